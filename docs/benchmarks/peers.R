# What packages of R make of a table of heads and tails: Rscript peers.R PACKAGE K FILE.csv SEED...
# Called by peers_in_r.py. Prints a line for each seed: seconds, thetas, weights.
# Each is called as its help page has it, with one start and its own rule of stopping.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
K <- as.integer(arguments[2])
X <- as.matrix(read.csv(arguments[3], header = FALSE))
colnames(X) <- c("heads", "tails")
suppressPackageStartupMessages(library(package, character.only = TRUE))

fit_flexmix <- function() {
  fit <- flexmix(X ~ 1, k = K, model = FLXMRglm(family = "binomial"))
  list(theta = plogis(parameters(fit)), weights = prior(fit))
}

fit_mixtools <- function() {
  capture.output(fit <- multmixEM(X, k = K))
  list(theta = fit$theta[, 1], weights = fit$lambda)
}

fit <- get(paste0("fit_", package))
for (seed in arguments[-(1:3)]) {
  set.seed(as.integer(seed))
  seconds <- system.time(found <- try(fit(), silent = TRUE))[["elapsed"]]
  if (inherits(found, "try-error")) next
  cat(format(c(seconds, found$theta, found$weights), digits = 17), "\n")
}
