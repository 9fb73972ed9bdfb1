import json
_D=json.JSONDecoder(strict=False)
def dumps(value, objects=None): return json.dumps(value, ensure_ascii=False, separators=(",",":"))
def loads(text, objects=()): return _D.decode(text)
def normalise(v, **k): return v
