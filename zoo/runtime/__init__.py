"""Where Keras is used: from a resolved model to a trained one."""
