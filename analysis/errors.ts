/** Base of every error that `analysis/` throws; the message is one sentence for a person. */
export class AnalysisError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The gate config, or another setting of the analysis, is wrong; thrown before any traffic moves. The message starts with the key path. */
export class ConfigError extends AnalysisError {}

/** A line of a record file cannot be understood; the message names the line. */
export class RecordError extends AnalysisError {}

/** History cannot be read well enough to be judged; the message says what is missing. */
export class BacktestError extends AnalysisError {}
