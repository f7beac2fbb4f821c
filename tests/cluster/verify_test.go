package cluster_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/tests/internal/lab"
)

// mustVerify verifies and returns what was found.
func mustVerify(t *testing.T, opts verify.Options) *verify.Check {
	t.Helper()
	check, err := verify.Run(t.Context(), opts)
	if err != nil {
		t.Fatalf("Verify() = %v", err)
	}
	return check
}

// wants fails where the problems are not those wanted, one each, in order.
func wants(t *testing.T, check *verify.Check, words ...string) {
	t.Helper()
	problems := check.Problems()
	if len(problems) != len(words) {
		t.Errorf("Problems() = %v, want %d", problems, len(words))
		return
	}
	for i, word := range words {
		if !strings.Contains(problems[i].Text, word) || problems[i].Err == nil {
			t.Errorf("Problems()[%d] = %q (cause %v), want %q and a cause", i, problems[i].Text, problems[i].Err, word)
		}
	}
}

func TestVerify(t *testing.T) {
	s := newSite(t)
	if _, err := verify.Run(t.Context(), s.verifyOptions(t)); !errors.Is(err, verify.ErrNotInstalled) {
		t.Fatalf("Verify() before the install = %v, want ErrNotInstalled", err)
	}
	s.mustInstall(t, s.options(t))
	check := mustVerify(t, s.verifyOptions(t))
	wants(t, check)
	if len(check.Versions) != 20 || check.Versions[0].Digest == "" || check.Versions[0].DBVersion != "13.20" {
		t.Errorf("Verify() = versions %+v, want 20 with digests", check.Versions)
	}
	if want := s.Registry.Digest(t, "tanzu-sql-postgres/postgres-instance:v13.20-v4.3.1").String(); check.Versions[0].Digest != want {
		t.Errorf("Verify() = digest %s, want %s", check.Versions[0].Digest, want)
	}
	// Nothing runs here, and that is said too.
	opts := s.verifyOptions(t)
	opts.NoWorkloads = false
	if check := mustVerify(t, opts); len(check.Workloads) != 1 || check.Workloads[0].Err == nil {
		t.Errorf("Verify() = workloads %+v, want one that is not ready", check.Workloads)
	}
}

// edit changes the image of a version, as with kubectl edit.
func (s *site) edit(t *testing.T, version, image string) {
	t.Helper()
	patch := []byte(`{"spec":{"instanceImage":"` + image + `"}}`)
	if _, err := s.dynamic.Resource(postgresversions).Patch(t.Context(), version, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestVersionEditedByHand(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	s.edit(t, "postgres-17.5", "tanzu-sql-postgres.packages.broadcom.com/postgres-instance:v17.5-v4.3.1")
	check := mustVerify(t, s.verifyOptions(t))
	wants(t, check, "postgres-17.5 cannot be pulled: it is in tanzu-sql-postgres.packages.broadcom.com")

	s.edit(t, "postgres-17.5", s.Registry.Host+"/tanzu-sql-postgres/postgres-instance:v99.9-v4.3.1")
	wants(t, mustVerify(t, s.verifyOptions(t)), "postgres-17.5 cannot be pulled: not in the private registry")

	s.edit(t, "postgres-17.5", s.Registry.Host+"/tanzu-sql-postgres/postgres-instance:v17.4-v4.3.1")
	wants(t, mustVerify(t, s.verifyOptions(t)), "postgres-17.5 is not as the release made it")

	if err := s.dynamic.Resource(postgresversions).Delete(t.Context(), "postgres-17.5", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	wants(t, mustVerify(t, s.verifyOptions(t)), "postgres-17.5 of the release cannot be picked: it does not exist any more")

	s.mustInstall(t, s.options(t))
	wants(t, mustVerify(t, s.verifyOptions(t)))
}

// The secret in the cluster is what counts, not the one that the caller has.
func TestStoredSecretIsRefused(t *testing.T) {
	s := newSite(t)
	opts := s.options(t)
	s.mustInstall(t, opts)
	expired := lab.Credentials(puller)
	expired.Password = "expired"
	if _, err := pullsecret.Apply(t.Context(), opts.Cluster, pullsecret.Secret{
		Namespace: s.namespace, Name: "regsecret", Host: s.Registry.Host, Credentials: expired,
	}); err != nil {
		t.Fatal(err)
	}
	check := mustVerify(t, s.verifyOptions(t))
	for _, problem := range check.Problems() {
		var image *verify.RefusedError
		var namespace *verify.RefusedSecretError
		if !strings.Contains(problem.Text, "refuse") || !errors.As(problem, &image) && !errors.As(problem, &namespace) {
			t.Errorf("Problems() has %+v, want refusals of the secret", problem)
		}
	}
	if got := len(check.Problems()); got != 1+20+1 {
		t.Errorf("Verify() = %d problems, want one for the operator, 20 versions and the namespace", got)
	}
}

func TestNamespacesWithoutSecret(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	demo := s.namespace + "-demo"
	s.instance(t, demo, "pg")
	check := mustVerify(t, s.verifyOptions(t))
	wants(t, check, "namespace "+demo+": it lacks the pull secret regsecret")
	if got := check.Namespaces[1]; got.Instances != 1 {
		t.Errorf("Verify() = %+v, want one instance", got)
	}
	opts := s.options(t)
	opts.InstanceNamespaces = []string{demo}
	s.mustInstall(t, opts)
	wants(t, mustVerify(t, s.verifyOptions(t)))
}

// instance makes a database, which nothing here will run.
func (s *site) instance(t *testing.T, namespace, name string) {
	t.Helper()
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n---\n" +
		"apiVersion: sql.tanzu.vmware.com/v1\nkind: Postgres\nmetadata: {name: " + name + ", namespace: " + namespace + "}\nspec: {postgresVersion: {name: postgres-17.5}}\n"
	if err := lab.ApplyText(t.Context(), s.admin, []byte(text), nil); err != nil {
		t.Fatal(err)
	}
}

// A blob that the registry has lost: the manifest resolves, the image does not pull.
func TestDeep(t *testing.T) {
	s := newSite(t)
	s.mustInstall(t, s.options(t))
	s.loseBlobs(t)
	wants(t, mustVerify(t, s.verifyOptions(t)))
	opts := s.verifyOptions(t)
	opts.Deep = true
	check := mustVerify(t, opts)
	found := 0
	for _, version := range check.Versions {
		if version.Err != nil && strings.Contains(version.Err.Error(), "it lacks sha256:") {
			found++
		}
	}
	if found != len(check.Versions) {
		t.Errorf("Verify(deep) found blobs missing in %d of %d versions, want all: they share a layer", found, len(check.Versions))
	}
}

// loseBlobs removes from the registry's disk every blob of instance images that is a layer.
func (s *site) loseBlobs(t *testing.T) {
	t.Helper()
	layers := filepath.Join(s.Registry.Root, "docker/registry/v2/repositories/tanzu-sql-postgres/postgres-instance/_layers")
	removed := 0
	err := filepath.WalkDir(layers, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "link" {
			removed++
			return os.Remove(path)
		}
		return err
	})
	if err != nil || removed == 0 {
		t.Fatalf("removed %d blobs below %s: %v", removed, layers, err)
	}
}
