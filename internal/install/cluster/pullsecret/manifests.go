package pullsecret

import "sigs.k8s.io/yaml"

// YAML is a pull secret as a manifest, with its password. It bears no mark of ours: it is
// the tool's that brings it into the cluster.
func YAML(secret Secret) ([]byte, error) {
	object, err := secret.Manifest()
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(object.Object)
}

// ExternalYAML is a manifest by which External Secrets makes a pull secret of a docker
// config that lies in a store under a key. The store is one of the cluster's, or of the namespace's.
func ExternalYAML(namespace, name, store string, namespaced bool, key string) ([]byte, error) {
	kind := "ClusterSecretStore"
	if namespaced {
		kind = "SecretStore"
	}
	return yaml.Marshal(map[string]any{
		"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": map[string]any{"name": name, "namespace": namespace},
		"spec": map[string]any{
			"refreshInterval": "1h",
			"secretStoreRef":  map[string]any{"kind": kind, "name": store},
			"target": map[string]any{"name": name, "template": map[string]any{
				"type": dockerConfigType,
				"data": map[string]any{".dockerconfigjson": "{{ .config }}"},
			}},
			"data": []any{map[string]any{"secretKey": "config", "remoteRef": map[string]any{"key": key}}},
		},
	})
}
