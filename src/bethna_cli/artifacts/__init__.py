"""Built data, checked against its source: contract artifacts and the trained model."""
