"""The journal and replay; knows neither Lua nor notebooks."""
