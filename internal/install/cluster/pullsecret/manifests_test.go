package pullsecret_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// A manifest is what Apply would make, readable as a kubelet reads it, and bears no mark by which we would take
// it for ours.
func TestYAML(t *testing.T) {
	secret := pullSecret("demo")
	secret.Vendors = []string{"vendor.example.com"}
	text, err := pullsecret.YAML(secret)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "managed-by") || strings.Contains(string(text), login.Password) {
		t.Errorf("YAML() = %s, want no mark of ours and nothing in plain", text)
	}
	server := clustertest.New(t)
	server.Put(t, string(text))
	c := server.Connect(t)
	for _, host := range []string{"r.example.com", "vendor.example.com"} {
		if got, err := pullsecret.Stored(t.Context(), c, "demo", "regsecret", host); got != login || err != nil {
			t.Errorf("Stored(%s) of YAML() = %v, %v, want the login", host, got, err)
		}
	}
	if ours, err := pullsecret.List(t.Context(), c); err != nil || len(ours) > 0 {
		t.Errorf("List() = %v, %v, want none: it is whoever applied it who looks after it", ours, err)
	}
}

// What External Secrets is told has the name of the secret, the store and the key, and no password.
func TestExternalYAML(t *testing.T) {
	for namespaced, kind := range map[bool]string{true: "SecretStore", false: "ClusterSecretStore"} {
		text, err := pullsecret.ExternalYAML("demo", "regsecret", "vault", namespaced, "pulls/main")
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
			Spec             struct {
				SecretStoreRef struct{ Kind, Name string }
				Target         struct {
					Name     string
					Template struct {
						Type string
						Data map[string]string
					}
				}
				Data []struct {
					SecretKey string
					RemoteRef struct{ Key string }
				}
			}
		}
		if err := yaml.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		want := []string{"ExternalSecret", "regsecret", "demo", kind, "vault", "regsecret", "kubernetes.io/dockerconfigjson", "{{ .config }}", "config", "pulls/main"}
		s := got.Spec
		said := []string{got.Kind, got.Metadata.Name, got.Metadata.Namespace, s.SecretStoreRef.Kind, s.SecretStoreRef.Name, s.Target.Name,
			s.Target.Template.Type, s.Target.Template.Data[".dockerconfigjson"], s.Data[0].SecretKey, s.Data[0].RemoteRef.Key}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("ExternalYAML(%s) (-want +got):\n%s", kind, diff)
		}
	}
}

// When a secret was written is the latest that the cluster knows of.
func TestWritten(t *testing.T) {
	const meta = "apiVersion: v1\nkind: Secret\nmetadata: {namespace: demo, creationTimestamp: '2026-01-01T00:00:00Z', "
	server := clustertest.New(t)
	server.Put(t, meta+"name: old}\n---\n"+
		meta+"name: renewed, managedFields: [{manager: a, time: '2026-03-01T00:00:00Z'}, {manager: b, time: '2026-02-01T00:00:00Z'}, {manager: c}]}\n")
	c := server.Connect(t)
	for name, want := range map[string]time.Time{
		"old": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "renewed": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "none": {},
	} {
		if got, err := pullsecret.Written(t.Context(), c, "demo", name); err != nil || !got.Equal(want) {
			t.Errorf("Written(%s) = %v, %v, want %v", name, got, err, want)
		}
	}
}
