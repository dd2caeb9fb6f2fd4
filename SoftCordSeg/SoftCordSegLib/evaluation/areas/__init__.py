"""Areas by slice, and the paper's numbers of CSA made from them."""
