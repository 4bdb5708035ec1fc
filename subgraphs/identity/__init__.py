"""Who a patient is: the master patient index and the root of the graph."""
