"""Python functions and LangChain tools as tools of a program: their arguments checked, their source known."""
