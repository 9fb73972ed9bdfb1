/** What was typed for a question, kept for this browser tab, so that a reload of the page keeps it. */
class Draft {
  constructor(id) {
    this.key = `lua_procedures:${id}`;
  }

  load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key)) ?? {};
    } catch {
      return {}; // no storage here, or not ours: start empty
    }
  }

  save(value) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(value));
    } catch (error) {
      console.debug("lua_procedures: the draft is not kept", error);
    }
  }

  clear() {
    try {
      sessionStorage.removeItem(this.key);
    } catch (error) {
      console.debug("lua_procedures: no storage", error);
    }
  }
}
