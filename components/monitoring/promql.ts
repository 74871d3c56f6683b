import { selectorsOf, type ProfileName, type Selectors, type TrafficTarget } from "../../analysis/metering/profiles";
import { trackName } from "../names";

/** A service as its router's counters name it. */
export interface MeteredService {
  readonly namespace: string;
  readonly service: string;
  /** Port of its Services. */
  readonly port: number | string;
}

export type Track = "stable" | "canary";
export const TRACKS: readonly Track[] = ["stable", "canary"];
export const QUANTILES = [0.5, 0.95, 0.99] as const;

/** Whose counters tell the tracks apart; where the app's do, they tell versions and no tracks. */
export type RouterProfile = Exclude<ProfileName, "app">;

/** Names series as the gates do: an alert and a verdict must not speak of different requests. */
export function trackSelectors(profile: RouterProfile, { namespace, service, port }: MeteredService): Selectors {
  const target: TrafficTarget = {
    profile, namespace, service, port,
    stableService: trackName(service, "stable"), canaryService: trackName(service, "canary"),
    stableVersion: "", canaryVersion: "",
  };
  return selectorsOf(target);
}

/** One more matcher in a selector `name{…}`. */
export const matching = (selector: string, matcher: string): string => selector.replace(/\}$/, `,${matcher}}`);

/** The first alternative that has series: labels are renamed `exported_…` by service discovery, so a series has one of two names. */
export const firstOf = (alternatives: readonly string[], query: (selector: string) => string): string => alternatives.map(query).join(" or ");

/** Expressions over one track's requests, each of a window such as `5m`. */
export class TrackQueries {
  private readonly selectors: Selectors;
  private readonly arm: Selectors[Track];

  constructor(profile: RouterProfile, service: MeteredService, track: Track) {
    this.selectors = trackSelectors(profile, service);
    this.arm = this.selectors[track];
  }

  /** Requests a second. */
  rate = (window: string): string => firstOf(this.arm.requests, (selector) => `sum(rate(${selector}[${window}]))`);

  /** Failed requests a second; zero, and not nothing, where all succeed. */
  errors(window: string): string {
    const failed = firstOf(this.arm.requests, (selector) => `sum(rate(${matching(selector, `${this.selectors.statusLabel}=~"5.."`)}[${window}]))`);
    return `${failed} or 0 * (${this.rate(window)})`;
  }

  /** Fraction of requests that failed; nothing where there were none. */
  errorShare = (window: string): string => `(${this.errors(window)}) / ((${this.rate(window)}) > 0)`;

  /** Seconds within which a fraction of the requests was answered. */
  latency = (quantile: number, window: string): string =>
    `histogram_quantile(${quantile}, ${firstOf(this.arm.latency, (selector) => `sum by (le) (rate(${selector}[${window}]))`)})`;
}

/** Fraction of requests that the canary got; nothing where there were none. */
export function servedShare(profile: RouterProfile, service: MeteredService, window: string): string {
  const [stable, canary] = TRACKS.map((track) => `(${new TrackQueries(profile, service, track).rate(window)} or vector(0))`);
  return `${canary} / ((${canary} + ${stable}) > 0)`;
}
