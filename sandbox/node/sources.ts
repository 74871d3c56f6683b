import { hasStatus, type Api } from "./api";

/** The pod asks for something that is not there; its containers wait and say so until it is. */
export class ContainerConfigError extends Error {}

export type Payload = Readonly<Record<string, Buffer>>;

const decoded = (data: Readonly<Record<string, string>> = {}): Payload => Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v, "base64")]));

/** Contents of the ConfigMaps and Secrets of one namespace, read anew each time. */
export class Sources {
  constructor(private readonly api: Api, private readonly namespace: string) {}

  /** @throws ContainerConfigError when it is not there and not optional */
  private async read(kind: string, name: string, optional: boolean | undefined, get: () => Promise<Payload>): Promise<Payload> {
    try {
      return await get();
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      if (optional) return {};
      throw new ContainerConfigError(`${kind} "${name}" not found`);
    }
  }

  configMap = (name: string, optional?: boolean): Promise<Payload> =>
    this.read("configmap", name, optional, async () => {
      const { data = {}, binaryData } = await this.api.core.readNamespacedConfigMap({ name, namespace: this.namespace });
      return { ...Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v)])), ...decoded(binaryData) };
    });

  secret = (name: string, optional?: boolean): Promise<Payload> =>
    this.read("secret", name, optional, async () => decoded((await this.api.core.readNamespacedSecret({ name, namespace: this.namespace })).data));
}
