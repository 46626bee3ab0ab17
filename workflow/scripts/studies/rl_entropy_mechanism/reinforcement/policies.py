"""The policies: how they are made, sampled, scored and examined; all with a leading runs axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from pesin.entropy.policy import categorical_entropy, exact_covariance
from pesin.models import transformer
from pesin.models.mlp import Parameters, apply_mlp, init_embedding, init_mlp
from pesin.systems.running_sums import is_right, markov_greedy, markov_law, per_prompt


@dataclass(frozen=True)
class Markov:
    """pi(token | position, digit, previous token): three embeddings summed, then a perceptron with one hidden layer."""

    digits: int
    modulus: int
    width: int
    measures = ("sampled", "exact", "greedy")

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters:
        """Draw the weights of all runs."""
        sizes = {"position": self.digits, "digit": self.modulus, "previous": self.modulus}
        embeddings = {name: init_embedding(runs, n, self.width, generator, device) for name, n in sizes.items()}
        return embeddings | init_mlp(runs, [self.width, self.width, self.modulus], generator, device)

    def table(self, parameters: Parameters) -> torch.Tensor:
        """Log-probabilities in every state, shape (runs, digits, modulus, modulus, modulus)."""
        summed = (
            parameters["position"][:, :, None, None]
            + parameters["digit"][:, None, :, None]
            + parameters["previous"][:, None, None, :]
        )
        hidden = torch.nn.functional.gelu(summed).flatten(1, 3)
        return apply_mlp(parameters, hidden).log_softmax(-1).view(*summed.shape[:4], self.modulus)

    def log_probs(self, parameters: Parameters, prompts: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of all tokens at each place: twice (runs, batch, digits) -> (..., digits, modulus)."""
        previous = torch.nn.functional.pad(answers[..., :-1], (1, 0))
        place = torch.arange(self.digits, device=prompts.device)
        state = ((place * self.modulus + prompts) * self.modulus + previous).flatten(1)
        rows = self.table(parameters).flatten(1, 3)
        picked = rows.gather(1, state[..., None].expand(-1, -1, self.modulus))
        return picked.view(*prompts.shape, self.modulus)

    @torch.no_grad()
    def sample(self, parameters: Parameters, prompts: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
        """Answers drawn by inverting the cumulative distribution, so that equal policies draw equal answers."""
        cumulative = self.table(parameters).exp().cumsum(-1)[..., :-1].flatten(2, 3)
        token, answers = torch.zeros_like(prompts[..., 0]), []
        for place in range(self.digits):
            row = (prompts[..., place] * self.modulus + token)[..., None].expand(-1, -1, self.modulus - 1)
            token = (uniforms[..., place, None] > cumulative[:, place].gather(1, row)).sum(-1)
            answers.append(token)
        return torch.stack(answers, -1)

    @torch.no_grad()
    def examine(self, parameters: Parameters, prompts: np.ndarray, samples: int, rng: np.random.Generator, seeds: int):
        """Entropy and accuracy on validation prompts, exact; sampled accuracy is drawn from its exact law.

        Returns
        -------
        dict
            entropy and success, shape (runs, prompts); accuracy (measure, runs); any_right (runs,): pass@samples; and
            `contexts`, for `covariance`.
        """
        logits = self.table(parameters).cpu().numpy()
        probabilities = np.exp(logits)
        occupation, last = markov_law(probabilities, prompts)
        success = last[:, np.arange(len(prompts)), prompts.sum(-1) % self.modulus].clip(0, 1).astype(float)
        # Runs of one seed share the random numbers of the draw: quantiles of one uniform for each answer.
        uniforms = rng.random((seeds, len(prompts), samples))
        right = np.tile(uniforms, (len(success) // seeds, 1, 1)) < success[..., None]
        greedy = is_right(prompts, markov_greedy(probabilities, prompts), self.modulus)
        return {
            "entropy": per_prompt(categorical_entropy(logits), occupation, prompts),
            "success": success,
            "accuracy": np.stack([right.mean((1, 2)), success.mean(-1), greedy.mean(-1)]),
            "any_right": (1 - (1 - success) ** samples).mean(-1),
            "contexts": (logits, occupation),
        }

    def covariance(self, parameters: Parameters, prompts: np.ndarray, contexts) -> np.ndarray:
        """Cov_{a~pi}(log pi, dz) of the change since `contexts` were recorded, over the old policy's own states."""
        logits, occupation = contexts
        with torch.no_grad():
            change = self.table(parameters).cpu().numpy() - logits
        return per_prompt(exact_covariance(logits, change), occupation, prompts).mean(-1)


@dataclass(frozen=True)
class Transformer:
    """pi(token | the whole prompt, all tokens so far): a causal transformer over prompt and answer."""

    digits: int
    modulus: int
    width: int
    layers: int
    heads: int
    measures = ("sampled", "greedy")

    def _net(self) -> transformer.Transformer:
        context = 2 * self.digits - 1
        return transformer.Transformer(self.modulus, self.modulus, context, self.width, self.layers, self.heads)

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters:
        """Draw the weights of all runs."""
        return self._net().init_parameters(runs, generator, device)

    def log_probs(self, parameters: Parameters, prompts: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of all tokens at each place: twice (runs, batch, digits) -> (..., digits, modulus)."""
        tokens = torch.cat([prompts, answers[..., :-1]], -1)
        return self._net()(parameters, tokens)[:, :, self.digits - 1 :].log_softmax(-1)

    @torch.no_grad()
    def sample(self, parameters: Parameters, prompts: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
        """Answers drawn by inverting the cumulative distribution, so that equal policies draw equal answers."""
        return self._write(
            parameters,
            prompts,
            lambda place, log_prob: (uniforms[..., place, None] > log_prob.exp().cumsum(-1)[..., :-1]).sum(-1),
        )

    def _write(self, parameters, prompts, choose) -> torch.Tensor:
        tokens = prompts
        for place in range(self.digits):
            log_prob = self._net()(parameters, tokens)[:, :, -1].log_softmax(-1)
            tokens = torch.cat([tokens, choose(place, log_prob)[..., None]], -1)
        return tokens[..., self.digits :]

    @torch.no_grad()
    def examine(self, parameters: Parameters, prompts: np.ndarray, samples: int, rng: np.random.Generator, seeds: int):
        """Entropy and accuracy on validation prompts from sampled answers. Returns what `Markov.examine` does."""
        like = parameters["embed"]
        runs, device = len(like), like.device
        asked = torch.as_tensor(prompts, device=device).expand(runs, *prompts.shape)
        often = asked.repeat_interleave(samples, 1)
        drawn = rng.random((seeds, often.shape[1], self.digits), dtype=np.float32)
        uniforms = torch.as_tensor(np.tile(drawn, (runs // seeds, 1, 1)), device=device)
        answers = self.sample(parameters, often, uniforms)
        log_prob = self.log_probs(parameters, often, answers)
        entropy = -(log_prob.exp() * log_prob).sum(-1).mean(-1).view(runs, len(prompts), samples)
        right = is_right(often.numpy(force=True), answers.numpy(force=True), self.modulus)
        right = right.reshape(runs, len(prompts), samples)
        best = self._write(parameters, asked, lambda _, log_prob: log_prob.argmax(-1))
        greedy = is_right(prompts, best.numpy(force=True), self.modulus)
        return {
            "entropy": entropy.mean(-1).numpy(force=True),
            "success": right.mean(-1),
            "accuracy": np.stack([right.mean((1, 2)), greedy.mean(-1)]),
            "any_right": right.any(-1).mean(-1),
            "contexts": (often, answers, log_prob.numpy(force=True)),
        }

    def covariance(self, parameters: Parameters, prompts: np.ndarray, contexts) -> np.ndarray:
        """Cov_{a~pi}(log pi, dz) of the change since `contexts` were recorded, over the answers sampled then."""
        asked, answers, before = contexts
        with torch.no_grad():
            change = self.log_probs(parameters, asked, answers).numpy(force=True) - before
        return exact_covariance(before, change).mean((1, 2))
