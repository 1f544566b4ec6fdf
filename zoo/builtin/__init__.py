"""The components that the zoo itself registers, by entry points like everybody else."""
