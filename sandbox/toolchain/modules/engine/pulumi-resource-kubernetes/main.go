// Command pulumi-resource-kubernetes is the Kubernetes provider of Pulumi, built from its module.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

func main() {
	provider.Serve("kubernetes", "4.25.0", []byte("{}"), []byte("{}"))
}
