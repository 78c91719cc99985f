"""Reports of the county: figures of the views as tables and drawings, written as HTML, PDF, Excel and CSV."""
