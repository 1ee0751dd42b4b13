"""What was measured, in the forms that other libraries read.

Belongs here: one module per form that is more than lines of JSON. Does not belong here: what a row holds (``sql``) and the
command (:mod:`cot_assets.cli.exporting`). Neither form needs the library that reads it: a data set of the Hugging Face hub
is a folder of Parquet files with a card, a log of Inspect is a zip file of JSON.
"""
