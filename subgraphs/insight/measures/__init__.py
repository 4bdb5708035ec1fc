"""What is to be done for whom, as data: the measures, and the concepts they speak of."""
