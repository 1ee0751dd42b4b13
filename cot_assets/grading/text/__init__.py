"""Where a text says its answer, and how it is spelled: from a model's text to a short string."""
