// What can be an axis of the cloud: a number for every ensemble, with its title.

/** @typedef {import("./ensembles.js").Ensembles} Ensembles */
/** @typedef {{key: string, title: string, values: (set: number, consensus: string) => ArrayLike<number>}} Axis */

const OF_MEMBERS = { macs: "MACs (M)", latency_ms: "Latency (ms)", parameters: "Parameters (M)" };

/**
 * Every axis that a study has.
 * @param {Ensembles} ensembles
 * @returns {Axis[]}
 */
export function axesOf(ensembles) {
  return [...outcomes(ensembles), ...measures(ensembles), ...descriptions(ensembles)];
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function outcomes(ensembles) {
  const { block } = ensembles;
  /** @type {(set: number, consensus: string) => {right: ArrayLike<number>, samples: number, alone: number[]}} */
  const known = (set, consensus) => ({
    right: block.ensembles[set].right[consensus],
    samples: block.datasets[set].samples,
    alone: block.datasets[set].right,
  });
  /** @type {Axis[]} */
  const found = [
    {
      key: "over_mean",
      title: "Improvement over the mean member (points)",
      values: (set, consensus) => {
        const { right, samples, alone } = known(set, consensus);
        const { sum } = ensembles.overMembers(`right ${set}`, alone);
        return ensembles.column(`over_mean ${set} ${consensus}`, (row, from, to) => {
          return (100 * (right[row] * (to - from) - sum[row])) / (samples * (to - from));
        });
      },
    },
    {
      key: "over_best",
      title: "Improvement over its best member (points)",
      values: (set, consensus) => {
        const { right, samples, alone } = known(set, consensus);
        const { largest } = ensembles.overMembers(`right ${set}`, alone);
        return ensembles.column(
          `over_best ${set} ${consensus}`,
          (row) => (100 * (right[row] - largest[row])) / samples,
        );
      },
    },
    {
      key: "over_baseline",
      title: "Improvement over the baseline member (points)",
      values: (set, consensus) => {
        const { right, samples, alone } = known(set, consensus);
        const reference = alone[block.baseline];
        return ensembles.column(
          `over_baseline ${set} ${consensus}`,
          (row) => (100 * (right[row] - reference)) / samples,
        );
      },
    },
    {
      key: "accuracy",
      title: "Accuracy (%)",
      values: (set, consensus) => {
        const { right, samples } = known(set, consensus);
        return ensembles.column(`accuracy ${set} ${consensus}`, (row) => (100 * right[row]) / samples);
      },
    },
  ];
  return [...found.filter((axis) => block.baseline !== null || axis.key !== "over_baseline"), ...scores(ensembles)];
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function scores(ensembles) {
  const { block } = ensembles;
  if (!block.ensembles.some((/** @type {any} */ one) => Object.keys(one.nll).length)) return [];
  const named = [
    ["nll", "NLL (nats)"],
    ["brier", "Brier score"],
  ];
  return named.map(([key, title]) => ({
    key,
    title,
    values: (set, consensus) =>
      ensembles.column(`${key} ${set} ${consensus}`, (row) => block.ensembles[set][key][consensus]?.[row] ?? NaN),
  }));
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function measures(ensembles) {
  return ensembles.block.measures.map((/** @type {any} */ measure, /** @type {number} */ i) => ({
    key: measure.name,
    title: measure.unit ? `${measure.title} (${measure.unit})` : measure.title,
    values: (/** @type {number} */ set) => {
      const values = ensembles.diversities(set, i);
      return ensembles.column(`shown ${measure.name} ${set}`, (row) => measure.factor * values[row]);
    },
  }));
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function descriptions(ensembles) {
  const { block } = ensembles;
  const costs = Object.keys(block.costs).filter((cost) =>
    block.costs[cost].some((/** @type {number | null} */ value) => value !== null),
  );
  return [
    {
      key: "mean_member",
      title: "Mean accuracy of its members (%)",
      values: (set) => {
        const { right, samples } = block.datasets[set];
        const { sum } = ensembles.overMembers(`right ${set}`, right);
        return ensembles.column(`mean ${set}`, (row, from, to) => (100 * sum[row]) / (samples * (to - from)));
      },
    },
    {
      key: "size",
      title: "Number of members",
      values: () => ensembles.column("size", (row) => ensembles.sizes[row]),
    },
    ...costs.map((cost) => ({
      key: cost,
      title: OF_MEMBERS[/** @type {"macs"} */ (cost)] ?? cost,
      values: () => {
        const unit = cost === "latency_ms" ? 1 : 1e6;
        const alone = block.costs[cost].map((/** @type {number | null} */ value) => (value ?? NaN) / unit);
        return ensembles.overMembers(cost, alone).sum;
      },
    })),
  ];
}

/**
 * The axis of a key; of an unknown one, `otherwise`.
 * @param {Axis[]} axes
 * @param {string} key
 * @param {string} otherwise
 * @returns {Axis}
 */
export function axisOf(axes, key, otherwise) {
  return axes.find((axis) => axis.key === key) ?? axes.find((axis) => axis.key === otherwise) ?? axes[0];
}
