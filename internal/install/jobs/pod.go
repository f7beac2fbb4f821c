package jobs

import (
	"encoding/json"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where things are in the pods.
const (
	settingsDir = "/etc/pgrelocate"
	// SettingsFile is the config file of the pods, among the files of Pod.Files.
	SettingsFile = "pgrelocate.yaml"
	loginDir     = "/var/run/secrets/pgrelocate"
	pullDir      = "/var/run/secrets/pull"
	planDir      = "/plan"
	// PlanPath is the plan of a mirror, CredentialsPath what goes into pull secrets.
	PlanPath        = planDir + "/plan.json"
	CredentialsPath = pullDir + "/credentials"
	// StatusPath is what Kubernetes shows of a container that has ended, and StateDir a folder that
	// containers of one pod share.
	StatusPath = "/dev/termination-log"
	StateDir   = "/state"
	nobody     = 65532 // as in the program's image
)

// SettingsPath is where a file of Pod.Files is in the pods.
func SettingsPath(name string) string { return settingsDir + "/" + name }

// Pod is what all of them have in common.
type Pod struct {
	Name, Namespace string
	// Image is the program's. It is pulled with Login.
	Image string
	// Args are what the program is to do. It finds its files at SettingsPath, a plan at PlanPath,
	// credentials for pulling at CredentialsPath, and says how it ended at StatusPath.
	Args []string
	// Login is a secret of the type kubernetes.io/dockerconfigjson with the logins to both registries; empty
	// is none.
	Login string
	// Files are what the program reads, SettingsFile among them, by their names. They hold no secrets.
	Files map[string]string
	// CreateNamespace makes the namespace too, with the restricted level enforced.
	CreateNamespace bool
	// TempSize bounds what a broken upload would have to send again, "4Gi".
	TempSize string
}

type object = map[string]any

func (p Pod) labels() object {
	return object{"app.kubernetes.io/name": "pgrelocate", "app.kubernetes.io/instance": p.Name, "app.kubernetes.io/managed-by": "pgrelocate"}
}

func (p Pod) meta(name string) object {
	return object{"name": name, "namespace": p.Namespace, "labels": p.labels()}
}

// base are the namespace, where that is wanted, and the files.
func (p Pod) base() []object {
	var all []object
	if p.CreateNamespace {
		all = append(all, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{
			"name": p.Namespace, "labels": object{"pod-security.kubernetes.io/enforce": "restricted"},
		}})
	}
	files := object{}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		files[name] = p.Files[name]
	}
	return append(all, object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": p.meta(p.Name), "data": files})
}

// volume is something that is mounted.
type volume struct {
	name, path string
	source     object
	readOnly   bool
}

// template is a pod that runs the program with arguments.
func (p Pod) template(restart, account string, more ...volume) object {
	volumes := append([]volume{
		{"settings", settingsDir, object{"configMap": object{"name": p.Name}}, true},
		{"state", StateDir, object{"emptyDir": object{}}, false},
		{"tmp", "/tmp", object{"emptyDir": object{"sizeLimit": p.TempSize}}, false},
	}, more...)
	env := []any{object{"name": "TMPDIR", "value": "/tmp"}}
	spec := object{
		"restartPolicy":                 restart,
		"automountServiceAccountToken":  account != "",
		"terminationGracePeriodSeconds": 30,
		"securityContext": object{
			"runAsNonRoot": true, "runAsUser": nobody, "runAsGroup": nobody, "fsGroup": nobody,
			"seccompProfile": object{"type": "RuntimeDefault"},
		},
	}
	if account != "" {
		spec["serviceAccountName"] = account
	}
	if p.Login != "" {
		env = append(env, object{"name": "DOCKER_CONFIG", "value": loginDir})
		spec["imagePullSecrets"] = []any{object{"name": p.Login}}
		volumes = append(volumes, volume{"login", loginDir, object{"secret": object{
			"secretName": p.Login, "defaultMode": 0o440,
			"items": []any{object{"key": ".dockerconfigjson", "path": "config.json"}},
		}}, true})
	}
	var mounts, sources []any
	for _, v := range volumes {
		mount := object{"name": v.name, "mountPath": v.path}
		if v.readOnly {
			mount["readOnly"] = true
		}
		source := object{"name": v.name}
		maps.Copy(source, v.source)
		mounts, sources = append(mounts, mount), append(sources, source)
	}
	spec["volumes"] = sources
	spec["containers"] = []any{object{
		"name": "pgrelocate", "image": p.Image, "args": p.Args, "env": env, "volumeMounts": mounts,
		"securityContext": object{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}},
		},
		"resources": object{"requests": object{"cpu": "200m", "memory": "128Mi"}, "limits": object{"memory": "256Mi"}},
		// How the run ended, for who watches the job: no right in the cluster is needed for that.
		"terminationMessagePath": StatusPath,
	}}
	return object{"metadata": object{"labels": p.labels()}, "spec": spec}
}

// unstructuredOf makes of objects what clients take, whose numbers are those of JSON.
func unstructuredOf(objects []object) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, o := range objects {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		made := new(unstructured.Unstructured)
		if err := made.UnmarshalJSON(text); err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}
