"use strict";
// Numbers of leaves can be changed, and every number that is shown follows. The page's program is
// data: each of its lines fills an array of its own from those before it. The gradients are lines
// like the others. See explain/live.py.
const live = (() => {
  const mod = (x, y) => { const r = x % y; return r && (r < 0) !== (y < 0) ? r + y : r; };
  const rint = (x) => { const r = Math.round(x); return r - x === 0.5 && r % 2 ? r - 1 : r; };
  const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
  const logaddexp = (x, y) => (x === y ? x + Math.LN2
    : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y))));
  const number = (pick) => (x, y) => (x !== x ? y : y !== y ? x : pick(x, y));
  const ENTRYWISE = {
    add: (x, y) => x + y, subtract: (x, y) => x - y, multiply: (x, y) => x * y,
    divide: (x, y) => x / y, negative: (x) => -x, positive: (x) => x, reciprocal: (x) => 1 / x,
    remainder: mod, fmod: (x, y) => x % y, floor_divide: (x, y) => rint((x - mod(x, y)) / y),
    square: (x) => x * x, power: Math.pow, ldexp: (x, n) => x * 2 ** n, hypot: Math.hypot,
    arctan2: Math.atan2, logaddexp: logaddexp,
    logaddexp2: (x, y) => logaddexp(x * Math.LN2, y * Math.LN2) / Math.LN2,
    absolute: Math.abs, fabs: Math.abs, exp: Math.exp, exp2: (x) => 2 ** x, expm1: Math.expm1,
    log: Math.log, log2: Math.log2, log10: Math.log10, log1p: Math.log1p, sqrt: Math.sqrt,
    root: Math.sqrt, cbrt: Math.cbrt, sin: Math.sin, cos: Math.cos, tan: Math.tan,
    sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, arcsin: Math.asin, arccos: Math.acos,
    arctan: Math.atan, arcsinh: Math.asinh, arccosh: Math.acosh, arctanh: Math.atanh,
    degrees: (x) => x * (180 / Math.PI), rad2deg: (x) => x * (180 / Math.PI),
    radians: (x) => x * (Math.PI / 180), deg2rad: (x) => x * (Math.PI / 180),
    relu: (x) => Math.max(x, 0), softplus: (x) => logaddexp(x, 0), sigmoid: sigmoid, expit: sigmoid,
    log_expit: (x) => -logaddexp(-x, 0), xlogy: (x, y) => (x ? x * Math.log(y) : 0),
    maximum: Math.max, minimum: Math.min, fmax: number(Math.max), fmin: number(Math.min),
    where: (c, x, y) => (c ? x : y), cleared: (g, read) => (read || Number.isFinite(g) ? g : 0),
    imag: () => 0, sign: Math.sign, floor: Math.floor, ceil: Math.ceil, trunc: Math.trunc,
    rint: rint, equal: (x, y) => +(x === y), not_equal: (x, y) => +(x !== y),
    less: (x, y) => +(x < y), less_equal: (x, y) => +(x <= y), greater: (x, y) => +(x > y),
    greater_equal: (x, y) => +(x >= y), isnan: (x) => +(x !== x), isfinite: (x) => +Number.isFinite(x),
    isinf: (x) => +(Math.abs(x) === Infinity), logical_not: (x) => +!x,
    logical_and: (x, y) => +!!(x && y), logical_or: (x, y) => +!!(x || y),
    logical_xor: (x, y) => +(!x !== !y), sinc: (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1),
  };
  const REDUCED = {
    sum: [0, (x, y) => x + y], prod: [1, (x, y) => x * y],
    max: [-Infinity, Math.max], min: [Infinity, Math.min],
  };
  const size = (shape) => shape.reduce((n, m) => n * m, 1);

  /** For each place of these axes, the last running fastest, how far it is by these strides. */
  function places(sizes, strides) {
    const at = new Int32Array(size(sizes));
    for (let axis = 0, step = at.length; axis < sizes.length; axis++) {
      step /= sizes[axis];
      for (let i = 0; i < at.length; i++) at[i] += (Math.floor(i / step) % sizes[axis]) * strides[axis];
    }
    return at;
  }

  /** For each entry of an array of shape `to`, which one of an array of shape `from` is spread to it. */
  function spread(from, to) {
    const strides = to.map((_, axis) => {
      const own = axis - to.length + from.length;
      return own < 0 || from[own] === 1 ? 0 : size(from.slice(own + 1));
    });
    return places(to, strides);
  }

  /** What fills `out` from `xs`; it is called each time that a number was changed. */
  function filling(what, out, xs, setting, shape, shapes) {
    const [x, y, z] = xs, f = ENTRYWISE[what];
    if (f) {
      const [a, b, c] = shapes.map((own) => spread(own, shape));
      if (c) return () => { for (let i = 0; i < out.length; i++) out[i] = f(x[a[i]], y[b[i]], z[c[i]]); };
      if (b) return () => { for (let i = 0; i < out.length; i++) out[i] = f(x[a[i]], y[b[i]]); };
      return () => { for (let i = 0; i < out.length; i++) out[i] = f(x[a[i]]); };
    }
    if (what in REDUCED) {
      const [kept, gone, ...strides] = setting, [start, joined] = REDUCED[what];
      const outer = strides.map((own) => places(kept, own[0]));
      const inner = strides.map((own) => places(gone, own[1])), n = size(gone);
      return () => {
        for (let o = 0; o < out.length; o++) {
          let found = start;
          for (let i = 0; i < n; i++) {
            let product = x[outer[0][o] + inner[0][i]];
            for (let k = 1; k < xs.length; k++) product *= xs[k][outer[k][o] + inner[k][i]];
            found = joined(found, product);
          }
          out[o] = found;
        }
      };
    }
    if (what === "move") {
      const from = xs.flatMap((operand) => Array.from(operand, (_, i) => [operand, i]));
      const moves = setting.length ? setting.map((i) => from[i - 1]) : from;
      return () => moves.forEach((move, i) => { out[i] = move ? move[0][move[1]] : 0; });
    }
    if (what === "put") {
      return () => {
        out.fill(0);
        setting.forEach((to, i) => { if (to) out[to - 1] += x[i]; });
      };
    }
    const step = size(shape.slice(setting + 1)), n = shape[setting];
    const joined = what === "cumsum" ? (p, q) => p + q : (p, q) => p * q;
    return () => {
      for (let i = 0; i < out.length; i++) {
        out[i] = Math.floor(i / step) % n ? joined(out[i - step], x[i]) : x[i];
      }
    };
  }

  /** The arrays of a program's lines, some `single`, of float32, and `run(n)`, which fills the first
      n of them, or all. */
  function loaded(lines, single = []) {
    const isSingle = new Set(single);
    const arrays = lines.map(([what, , shape, setting], i) => (
      isSingle.has(i) ? Float32Array : Float64Array).from(
      what === "leaf" ? setting : { length: size(shape) }, (x) => Number(x ?? 0)));
    const fillings = lines.map(([what, operands, shape, setting], i) => what === "leaf" ? () => {}
      : filling(what, arrays[i], operands.map((k) => arrays[k]), setting, shape,
        operands.map((k) => lines[k][2])));
    const run = (n = lines.length) => { for (let i = 0; i < n; i++) fillings[i](); };
    return { arrays, run };
  }

  /** As Python's `f"{x:.4g}"` writes it: what lies between two goes to the even digit. */
  function written(x) {
    if (!Number.isFinite(x)) return x !== x ? "nan" : x < 0 ? "−inf" : "inf";
    let text = x.toExponential(3);
    const even = /^(-?\d\.\d\d[02468])50*e/.exec(x.toExponential(60));
    if (even) text = even[1] + text.slice(text.indexOf("e"));
    const [digits, exponent] = text.split("e"), e = Number(exponent);
    const short = (said) => (said.includes(".") ? said.replace(/\.?0+$/, "") : said);
    text = x === 0 ? (Object.is(x, -0) ? "-0" : "0") : e < -4 || e > 3
      ? `${short(digits)}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`
      : short(Number(text).toFixed(3 - e));
    return text.replaceAll("-", "−");
  }

  // ---- The arithmetic of one number ----------------------------------------------------------------

  const SUM = 0, PRODUCT = 1, ATOM = 3, MOST_PARTS = 80, MOST_TERMS = 6;
  const SIGNS = { equal: "=", not_equal: "≠", less: "<", less_equal: "≤", greater: ">",
    greater_equal: "≥" };
  const CALLED = { sigmoid: "σ", expit: "σ", sqrt: "√", root: "√", absolute: "abs", maximum: "max",
    minimum: "min" };

  /** How an entry of a line comes of numbers that are shown, and of constants: `0.5 · (1 − 0.2)`.
      Null where that takes too many. */
  function arithmetic(lines, arrays, isShown, line, entry) {
    let parts = 0;
    const within = ([text, level], least) => (level < least ? `(${text})` : text);
    const product = (factors) => {
      const others = factors.filter(([text, , isSeed]) => !isSeed || text !== "1");
      return others.length < 2 ? others[0] ?? factors[0]
        : [others.map((factor) => within(factor, PRODUCT)).join(" · "), PRODUCT];
    };
    const sum = (terms) => {
      if (terms.length < 2) return terms[0] ?? ["0", ATOM];
      const said = terms.map((term, i) => within(term, i && PRODUCT));
      if (said.length > MOST_TERMS) said.splice(MOST_TERMS - 2, said.length - MOST_TERMS + 1, "…");
      return [said.join(" + "), SUM];
    };
    function of(k, i, isTop = false) {
      const [what, operands, shape, setting] = lines[k], x = arrays[k][i];
      if (++parts > MOST_PARTS) throw new RangeError();
      if (!isTop && (isShown(k) || what === "leaf")) {
        return [written(x), x < 0 ? SUM : ATOM, what === "leaf" && !isShown(k)];
      }
      const shapes = operands.map((operand) => lines[operand][2]);
      if (what in REDUCED) {
        const [kept, gone, ...strides] = setting;
        const terms = Array.from({ length: size(gone) }, (_, j) => product(operands.map((o, n) =>
          of(o, places(kept, strides[n][0])[i] + places(gone, strides[n][1])[j]))));
        return what === "sum" ? sum(terms) : terms.length < 2 ? terms[0]
          : [`${what}(${terms.map(([text]) => text).join(", ")})`, ATOM];
      }
      if (what === "move") {
        let from = setting.length ? setting[i] - 1 : i;
        for (const [n, operand] of operands.entries()) {
          if (from >= 0 && from < size(shapes[n])) return of(operand, from);
          from -= from < 0 ? 0 : size(shapes[n]);
        }
        return ["0", ATOM];
      }
      if (what === "put") {
        return sum([...setting.keys()].filter((j) => setting[j] === i + 1)
          .map((j) => of(operands[0], j)));
      }
      if (!(what in ENTRYWISE)) throw new RangeError();
      const at = shapes.map((own) => spread(own, shape)[i]);
      const one = (n) => of(operands[n], at[n]);
      // What a constant doesn't change: what keeps a logarithm finite, or the mean of one number.
      const isIdle = (n) => lines[operands[n]][0] === "leaf" && !isShown(operands[n])
        && arrays[operands[n]][at[n]] && x === arrays[operands[1 - n]][at[1 - n]];
      if ((what === "add" || what === "divide") && isIdle(1)) return one(0);
      switch (what) {
        case "add": return [`${within(one(0), SUM)} + ${within(one(1), PRODUCT)}`, SUM];
        case "subtract": return [`${within(one(0), SUM)} − ${within(one(1), PRODUCT)}`, SUM];
        case "multiply": return product([one(0), one(1)]);
        case "divide": return [`${within(one(0), PRODUCT)} / ${within(one(1), 2)}`, PRODUCT];
        case "reciprocal": return [`1 / ${within(one(0), 2)}`, PRODUCT];
        case "negative": return [`−${within(one(0), 2)}`, SUM];
        case "square": return [`${within(one(0), ATOM)}²`, 2];
        case "power": return [`${within(one(0), ATOM)}^${within(one(1), ATOM)}`, 2];
        case "positive": case "cleared": return one(0);
        case "where": return one(arrays[operands[0]][at[0]] ? 1 : 2);
        case "relu": return [`max(${one(0)[0]}, 0)`, ATOM];
        case "exp": return [`e^${within(one(0), ATOM)}`, 2];
      }
      if (what in SIGNS) return [`[${one(0)[0]} ${SIGNS[what]} ${one(1)[0]}]`, ATOM];
      return [`${CALLED[what] ?? what}(${operands.map((_, n) => one(n)[0]).join(", ")})`, ATOM];
    }
    try {
      const [text] = of(line, entry, true), value = written(arrays[line][entry]);
      return text === value ? null : `${text} = ${value}`;
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  return { arithmetic, loaded, written };
})();
