/** The deviation of a delay from its mean, in units of the jitter: like the tables of tc-netem(8), which end at four units. */

export const DISTRIBUTIONS = ['uniform', 'normal', 'pareto'] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

const LIMIT = 4;
const PARETO_SHAPE = 3;
const PARETO_MEAN = PARETO_SHAPE / (PARETO_SHAPE - 1);
/** The scale of netem's pareto.c, which takes the variance for the standard deviation. */
const PARETO_SCALE = 4 / 3;

/** Returns the deviation for a random number. @param u from 0 to less than 1 */
export function deviation(distribution: Distribution, u: number): number {
  switch (distribution) {
    case 'uniform':
      return 2 * u - 1;
    case 'normal':
      return limited(inverseNormal(u));
    case 'pareto':
      return limited(((1 - u) ** (-1 / PARETO_SHAPE) - PARETO_MEAN) * PARETO_SCALE);
  }
}

function limited(value: number): number {
  return Math.max(-LIMIT, Math.min(LIMIT, value));
}

// P. J. Acklam's rational approximations of the inverse of the normal distribution: their relative error is below 1.15e-9
const A = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
const C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

function inverseNormal(u: number): number {
  if (u <= 0) return -LIMIT;
  if (u > 1 - TAIL) return -inverseNormal(1 - u);
  if (u < TAIL) {
    const q = Math.sqrt(-2 * Math.log(u));
    return polynomial(C, q) / polynomial(D, q);
  }
  const q = u - 0.5;
  return (q * polynomial(A, q * q)) / polynomial(B, q * q);
}

/** Evaluates a polynomial. The coefficient of the highest power comes first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
