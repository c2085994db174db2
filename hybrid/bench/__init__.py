"""How fast is it? Measurements in one run, interleaved, against bare clients of the same servers."""
