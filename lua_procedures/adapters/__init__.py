"""Other systems' runtimes with our forms and our stores."""
