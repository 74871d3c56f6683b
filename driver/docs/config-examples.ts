/** Examples of docs/config.md, by the heading that they stand below; a test parses each within a stack that is otherwise minimal. */
export const CONFIG_EXAMPLES: Readonly<Record<string, string>> = {
  "rollout keys": `
canary:stable: v1.2.0
canary:canary: { version: v1.3.0, env: { NEW_CHECKOUT: "on" } } # what a version changes is promoted with it
canary:weight: 25`,
  others: `
canary:namespace: shop
canary:ingressClass: nginx
canary:router: ingress-nginx`,
  "canary:services": `
canary:services:
  shop: { image: shop, port: 8080, hosts: [shop.example] }
  api: { image: shop-api, port: 9000, hosts: [shop.example], paths: [/api], health: /api/health, critical: false }`,
  "canary:services.<name>.workload": `
canary:services:
  shop:
    image: shop
    port: 8080
    hosts: [shop.example]
    workload:
      autoscale: { min: 4, max: 24, cpu: 65% }
      resources: { requests: { cpu: 250m, memory: 256Mi }, limits: { memory: 512Mi } }
      env: { LOG_LEVEL: info, APP_VERSION: "{{version}}" }
      drain: 10s`,
  "canary:services.<name>.routing": `
canary:services:
  shop:
    image: shop
    port: 8080
    hosts: [shop.example]
    routing:
      session: { kind: cookie, maxAge: 1h }
      header: { name: X-Shop-Canary }`,
  "canary:rollout": `
canary:rollout:
  stages: [{ weight: 5, dwell: 2m }, { weight: 25 }, { weight: 50, dwell: 5m }]
  autoPromote: false
  onBlind: rollback
  undoWindow: 24h`,
  "canary:analysis": `
canary:analysis:
  prometheus: [http://prometheus-a.monitoring:9090, http://prometheus-b.monitoring:9090]
  source: ingress-nginx
  scrapeInterval: 15s`,
  "canary:analysis.gates": `
canary:analysis:
  prometheus: http://prometheus.monitoring:9090
  gates:
    preset: C
    latency: { of: p95, atMost: 800ms } # changes one rule of the preset
    pods: false # and takes one away`,
  "kind ratio": `
canary:analysis:
  gates:
    errors: { kind: ratio, critical: true, absolute: 2% }
    signups: { kind: ratio, better: higher, numerator: 'signups_total{version="{{version}}"}', denominator: 'visits_total{version="{{version}}"}' }`,
  "kind shape": `
canary:analysis:
  gates:
    errors: { kind: ratio }
    latency: { kind: shape, p95: 800ms }`,
  "kind gauge": `
canary:analysis:
  gates:
    confidence: { kind: gauge, critical: true, query: 'avg(model_prediction_confidence{version="{{version}}"})', atLeast: 80%ofBaseline }`,
  "kind threshold": `
canary:analysis:
  gates:
    success: { kind: threshold, atLeast: 95%, over: 5m }`,
  "kind baseline": `
canary:analysis:
  gates:
    p99: { kind: baseline, within: 110%, fail: 150% }`,
  "kind count": `
canary:analysis:
  gates:
    tripwire: { kind: count, rollbackAt: 5 }`,
  "kind probe": `
canary:ingressUrl: http://ingress.example
canary:analysis:
  probeInterval: 30s
  gates:
    health: { kind: probe, atMost: 5% }`,
  "kind pods": `
canary:analysis:
  gates:
    errors: { kind: ratio }
    pods: { kind: pods, maxRestarts: 0 }`,
  "canary:gateway": `
canary:router: gateway-api
canary:gateway: { name: public, namespace: infra }
canary:analysis: { source: traefik-gateway }`,
  "canary:ingressController": `
canary:ingressController: { install: traefik, replicas: 3 }
canary:analysis: { source: traefik }`,
  "canary:monitoring": `
canary:monitoring: { labels: { release: prometheus }, alertLabels: { team: shop } }`,
  "canary:networkPolicy": `
canary:networkPolicy: { ingressController: ingress-nginx, prometheus: monitoring }`,
  "canary:guard": `
canary:guard: { image: "registry.example/pulumi-canary:1.0.0" }`,
};
