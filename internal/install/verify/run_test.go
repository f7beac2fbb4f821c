package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

const (
	host = "r.example.com"
	crds = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vers.lab.example.com}
spec: {group: lab.example.com, names: {kind: Ver, plural: vers, singular: ver}, scope: Cluster, versions: [{name: v1, served: true, storage: true}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbs.lab.example.com}
spec: {group: lab.example.com, names: {kind: Db, plural: dbs, singular: db}, scope: Namespaced, versions: [{name: v1, served: true, storage: true}]}
`
	operator = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: op}\nspec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: r.example.com/pg/op:1}]}}}\n"
	version  = "apiVersion: lab.example.com/v1\nkind: Ver\nmetadata: {name: v17}\nspec: {dbVersion: '17.5', instanceImage: 'r.example.com/pg/instance:17'}\n"
	hook     = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job, annotations: {helm.sh/hook: pre-delete}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: r.example.com/pg/hook:1}]}}}\n"
)

var login = pullsecret.Credentials{Username: "robot", Password: "s3cret"}

// private is a registry with images of one layer. Errors answer for a repository.
type private struct {
	verify.Puller
	mu       sync.Mutex
	lost     map[string]bool  // repositories whose layer is gone
	errors   map[string]error // what Resolve says of a repository
	password string           // the one that is taken; empty takes anonymous callers
	given    string
}

func (p *private) Resolve(_ context.Context, repository, _ string) (v1.Descriptor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.password != "" && p.given != p.password:
		return v1.Descriptor{}, registry.ErrUnauthorized
	case p.errors[repository] != nil:
		return v1.Descriptor{}, p.errors[repository]
	}
	manifest, err := image()
	return manifest.Descriptor, err
}

func (p *private) Manifest(context.Context, string, string, ...types.MediaType) (oci.Manifest, error) {
	return image()
}

func (p *private) HasBlob(_ context.Context, repository string, blob v1.Descriptor) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !(p.lost[repository] && blob.Size == 2), nil
}

func image() (oci.Manifest, error) {
	digest := func(n string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(n, 64)} }
	body, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digest("a"), Size: 1},
		Layers: []v1.Descriptor{{MediaType: types.OCILayer, Digest: digest("b"), Size: 2}},
	})
	if err != nil {
		return oci.Manifest{}, err
	}
	return oci.New(types.OCIManifestSchema1, body)
}

// bench is a cluster with a release installed, and the registry that it pulls from.
type bench struct {
	*clustertest.Server
	private *private
	options verify.Options
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Server: clustertest.New(t), private: &private{lost: map[string]bool{}, errors: map[string]error{}, password: login.Password}}
	b.Put(t, crds)
	b.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: pg}\n")
	packed, err := chart.Parse(charttest.Pack(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: house\nversion: 1.0.0\n", "templates/op.yaml": operator, "templates/v.yaml": version, "templates/h.yaml": hook,
	}))
	if err != nil {
		t.Fatal(err)
	}
	connected := b.Connect(t)
	releases, err := helm.Open(t.Context(), connected, "pg", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := releases.Install(t.Context(), helm.Request{Name: "house", Chart: packed, Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	b.options = verify.Options{
		Cluster: connected, HelmRelease: "house", Namespace: "pg", PullSecret: "regsecret",
		Offers: []versions.Kind{{Group: "lab.example.com", Kind: "Ver", Image: "spec.instanceImage", Version: "spec.dbVersion"}}, Databases: []schema.GroupKind{{Group: "lab.example.com", Kind: "Db"}},
		Dial: func(_ string, given pullsecret.Credentials) (verify.Puller, error) {
			return &private{lost: b.private.lost, errors: b.private.errors, password: b.private.password, given: given.Password}, nil
		},
		NoWorkloads: true,
	}
	b.secret(t, "pg", login)
	return b
}

// secret makes a namespace's pull secret.
func (b *bench) secret(t *testing.T, namespace string, with pullsecret.Credentials) {
	t.Helper()
	_, err := pullsecret.Apply(t.Context(), b.options.Cluster, pullsecret.Secret{Namespace: namespace, Name: "regsecret", Host: host, Credentials: with})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) run(t *testing.T) *verify.Check {
	t.Helper()
	check, err := verify.Run(t.Context(), b.options)
	if err != nil {
		t.Fatalf("Run() = %v", err)
	}
	return check
}

// wants wants these problems and no others.
func wants(t *testing.T, check *verify.Check, words ...string) {
	t.Helper()
	var got []string
	for _, problem := range check.Problems() {
		got = append(got, problem.Error())
	}
	if len(got) != len(words) {
		t.Fatalf("Problems() = %q, want %d", got, len(words))
	}
	for i, word := range words {
		if got[i] != word {
			t.Errorf("Problems()[%d] = %q, want %q", i, got[i], word)
		}
	}
}

// All is well: the images of the manifest and of hooks, the version, and the namespace.
func TestAllIsWell(t *testing.T) {
	b := newBench(t)
	check := b.run(t)
	wants(t, check)
	if len(check.Images) != 2 || check.Images[0].Image != "r.example.com/pg/hook:1" || check.Images[1].Digest == "" {
		t.Errorf("Run() = images %+v, want the operator's and the hook's", check.Images)
	}
	if len(check.Versions) != 1 || check.Versions[0].DBVersion != "17.5" || check.Versions[0].Edited {
		t.Errorf("Run() = versions %+v, want 17.5 as it was made", check.Versions)
	}
	if check.Revision != 1 || check.Status != helm.Deployed || check.Chart != "house 1.0.0" {
		t.Errorf("Run() = %+v, want revision 1 of house 1.0.0, deployed", check)
	}
	if got, want := check.Summary(), "1 of 1 versions can be pulled, 1 of 1 namespaces have what they need"; got != want {
		t.Errorf("Summary() = %q, want %q", got, want)
	}
}

// What was accepted when the release was installed is accepted; a chart cannot say so of itself.
func TestAcceptedIsRemembered(t *testing.T) {
	const foreign = "quay.io/other/farewell:1"
	job := strings.ReplaceAll(strings.ReplaceAll(hook, "r.example.com/pg/hook:1", foreign), "name: job", "name: bye")
	accept, err := naming.ParseAccept("Job/bye:spec.template=it comes from our own mirror")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.options.Hosts = []string{host}
	install := func(places ...naming.Accept) {
		t.Helper()
		packed, err := chart.Parse(charttest.Pack(t, map[string]string{
			"Chart.yaml":        "apiVersion: v2\nname: house\nversion: 1.0.1\nannotations: {pgrelocate.dev/accepted: 'Job/bye:spec.template'}\n",
			"templates/op.yaml": operator, "templates/v.yaml": version, "templates/h.yaml": job,
		}))
		if err != nil {
			t.Fatal(err)
		}
		releases, err := helm.Open(t.Context(), b.options.Cluster, "pg", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := releases.Install(t.Context(), helm.Request{Name: "house", Chart: packed, Timeout: time.Second, Accepted: places}); err != nil {
			t.Fatal(err)
		}
	}
	install()
	wants(t, b.run(t), foreign+" cannot be pulled: it is in quay.io and not in the private registry")
	install(accept)
	check := b.run(t)
	wants(t, check)
	if got, want := check.Images[0].Accepted, "it comes from our own mirror"; check.Images[0].Image != foreign || got != want {
		t.Errorf("Run() = %+v, want %s accepted because %q", check.Images[0], foreign, want)
	}
}

func TestNotInstalled(t *testing.T) {
	b := newBench(t)
	b.options.HelmRelease = "nothing"
	if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, verify.ErrNotInstalled) {
		t.Errorf("Run() = %v, want ErrNotInstalled", err)
	}
	b.options.HelmRelease = "house"
	b.Remove("customresourcedefinitions.apiextensions.k8s.io", "", "vers.lab.example.com")
	b.options.Cluster.Refresh()
	if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, verify.ErrNoVersionKind) || !errors.Is(err, verify.ErrNotInstalled) {
		t.Errorf("Run() without the kind of versions = %v, want ErrNoVersionKind", err)
	}
}

// Why an image cannot be pulled is told apart by its cause.
func TestImages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		because error
		says    string
		is      func(error) bool
	}{
		{"not there", registry.ErrNotFound, "not in the private registry", func(err error) bool { return errors.Is(err, verify.ErrNotMirrored) }},
		{"refused", registry.ErrUnauthorized, "the registry refuses the credentials in secret regsecret", as[*verify.RefusedError]},
		{"not allowed", registry.ErrForbidden, "the credentials in secret regsecret may not read this repository", as[*verify.UnreadableError]},
		{"broken", errors.New("it is on fire"), "it is on fire", as[*verify.BrokenError]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.private.errors["pg/instance"] = tt.because
			check := b.run(t)
			wants(t, check, "v17 cannot be pulled: "+tt.says)
			if problem := check.Problems()[0]; !tt.is(problem) || problem.Subject != "v17" {
				t.Errorf("Problems()[0] = %#v, want its cause", problem)
			}
		})
	}
}

func as[E error](err error) bool {
	var found E
	return errors.As(err, &found)
}

// Versions that somebody edited: elsewhere, to another image of ours, or of nobody's making.
func TestEditedVersions(t *testing.T) {
	b := newBench(t)
	b.Put(t, strings.Replace(version, "r.example.com/pg/instance:17", "vendor.example.com/instance:17", 1))
	check := b.run(t)
	wants(t, check, "v17 cannot be pulled: it is in vendor.example.com and not in the private registry")
	if !as[*verify.ElsewhereError](check.Problems()[0]) || check.Versions[0].Expected != "r.example.com/pg/instance:17" {
		t.Errorf("Run() = %+v, want what the release made of it", check.Versions[0])
	}
	b.Put(t, strings.Replace(version, "instance:17'", "instance:16'", 1))
	check = b.run(t)
	wants(t, check, "v17 is not as the release made it")
	if !errors.Is(check.Problems()[0], verify.ErrEdited) {
		t.Errorf("Problems()[0] = %v, want ErrEdited", check.Problems()[0])
	}
	b.Put(t, version+"---\n"+strings.Replace(version, "v17", "mine", 1))
	check = b.run(t)
	wants(t, check, "mine is not as the release made it")
}

// A manifest that is there proves nothing of its layers: Deep asks for them.
func TestDeep(t *testing.T) {
	b := newBench(t)
	b.private.lost["pg/instance"] = true
	wants(t, b.run(t))
	b.options.Deep = true
	wants(t, b.run(t), "v17 cannot be pulled: it lacks sha256:"+strings.Repeat("b", 64))
}

// The pull secret is wanted wherever a database is, or was, or will be.
func TestNamespaces(t *testing.T) {
	b := newBench(t)
	b.Put(t, "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: precious, namespace: demo}\n")
	b.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n")
	b.options.Namespaces = []string{"prod"}
	check := b.run(t)
	wants(t, check, "namespace demo: it lacks the pull secret regsecret", "namespace prod: it lacks the pull secret regsecret")
	if !as[*verify.NoSecretError](check.Problems()[0]) || check.Namespaces[0].Instances != 1 {
		t.Errorf("Run() = %+v, want one instance in demo", check.Namespaces)
	}
	b.secret(t, "demo", pullsecret.Credentials{Username: "robot", Password: "expired"})
	b.Put(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: regsecret, namespace: prod}\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: e30=}\n")
	check = b.run(t)
	wants(t, check, "namespace demo: the registry refuses its pull secret: authentication refused",
		"namespace prod: secret regsecret in namespace prod: it has no credentials for r.example.com")
	if !as[*verify.RefusedSecretError](check.Problems()[0]) || !as[*verify.SecretError](check.Problems()[1]) {
		t.Errorf("Problems() = %v, want both causes", check.Problems())
	}
}

// A release that names no image, of CRDs alone, pulls nothing, and no secret is missed.
func TestReleaseWithoutImages(t *testing.T) {
	b := newBench(t)
	packed, err := chart.Parse(charttest.Pack(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: crds\nversion: 1.0.0\n", "templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	releases, err := helm.Open(t.Context(), b.options.Cluster, "pg", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := releases.Install(t.Context(), helm.Request{Name: "crds", Chart: packed, Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	b.options.HelmRelease, b.options.Offers = "crds", nil
	wants(t, b.run(t))
	b.Remove("secrets", "pg", "regsecret")
	wants(t, b.run(t))
}

// Where nobody is asked for a password no secret is needed; where one is, that is said.
func TestWithoutSecret(t *testing.T) {
	b := newBench(t)
	b.Remove("secrets", "pg", "regsecret")
	check := b.run(t)
	if problems := check.Problems(); len(problems) != 4 || !as[*verify.NoLoginError](problems[0]) || !as[*verify.NoSecretError](problems[3]) {
		t.Errorf("Problems() = %v, want three images that want a login, and the namespace", problems)
	}
	b.private.password = ""
	wants(t, b.run(t))
}

func TestWorkloads(t *testing.T) {
	b := newBench(t)
	b.options.NoWorkloads = false
	check := b.run(t)
	wants(t, check, "Deployment pg/op is not ready: it has not become ready yet")
	if !as[*verify.StuckError](check.Problems()[0]) {
		t.Errorf("Problems()[0] = %#v, want what holds it up", check.Problems()[0].Err)
	}
	b.SetStatus("deployments.apps", "pg", "op", map[string]any{"availableReplicas": int64(1), "updatedReplicas": int64(1)})
	wants(t, b.run(t))
	b.Remove("deployments.apps", "pg", "op")
	check = b.run(t)
	wants(t, check, "Deployment pg/op is not ready: it does not exist any more")
	if !errors.Is(check.Problems()[0], verify.ErrGone) {
		t.Errorf("Problems()[0] = %v, want ErrGone", check.Problems()[0])
	}
}

// What runs is held against the release, and not only what the release names: an image that somebody has set, and a
// workload that somebody has scaled down, are told although they are ready. A policy's digest is no other image.
func TestWorkloadsThatWereChanged(t *testing.T) {
	const image, registryOf = "r.example.com/pg/op:1", "r.example.com/pg/op"
	pin := "@sha256:" + strings.Repeat("a", 64)
	stopped := strings.Replace(operator, "replicas: 1", "replicas: 0", 1)
	for _, tt := range []struct {
		name, live string
		says       string
		is         error
	}{
		{"the vendor's", strings.Replace(operator, image, "vendor.example.com/op:1", 1),
			"Deployment pg/op is not as the release made it: it runs vendor.example.com/op:1, and the release has " + image + " there", verify.ErrEdited},
		{"another tag", strings.Replace(operator, image, registryOf+":2", 1),
			"Deployment pg/op is not as the release made it: it runs " + registryOf + ":2, and the release has " + image + " there", verify.ErrEdited},
		{"none", stopped, "Deployment pg/op is not ready: it was scaled to no pods", verify.ErrStopped},
		{"pinned", strings.Replace(operator, image, "'"+image+pin+"'", 1), "", nil},
		{"pinned without its tag", strings.Replace(operator, image, "'"+registryOf+pin+"'", 1), "", nil},
		{"one more container", strings.Replace(operator, "containers: [", "containers: [{name: mesh, image: 'mesh.example.com/proxy:1'}, ", 1), "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.options.NoWorkloads = false
			b.Put(t, strings.Replace(tt.live, "name: op", "name: op, namespace: pg", 1))
			b.SetStatus("deployments.apps", "pg", "op", map[string]any{"availableReplicas": int64(1), "updatedReplicas": int64(1)})
			check := b.run(t)
			if tt.is == nil {
				wants(t, check)
				return
			}
			wants(t, check, tt.says)
			if !errors.Is(check.Problems()[0], tt.is) {
				t.Errorf("Problems()[0] = %v, want %v", check.Problems()[0], tt.is)
			}
		})
	}
}

// A version that somebody has deleted is missed.
func TestVersionsThatAreGone(t *testing.T) {
	b := newBench(t)
	b.Remove("vers.lab.example.com", "", "v17")
	check := b.run(t)
	wants(t, check, "v17 of the release cannot be picked: it does not exist any more")
	if !errors.Is(check.Problems()[0], verify.ErrGone) || check.Versions[0].Expected != "r.example.com/pg/instance:17" {
		t.Errorf("Problems()[0] = %v of %+v, want ErrGone of what the release has", check.Problems()[0], check.Versions[0])
	}
}

// What cannot be found out is an error, and no finding.
func TestCannotBeFoundOut(t *testing.T) {
	for _, what := range []string{"list secrets", "get secrets", "list vers.lab.example.com", "list dbs.lab.example.com"} {
		b := newBench(t)
		b.Deny(what)
		if _, err := verify.Run(t.Context(), b.options); !errors.Is(err, cluster.ErrDenied) {
			t.Errorf("Run() without %q = %v, want ErrDenied", what, err)
		}
	}
}

// A node's word counts for more than the registry's. Here the test is the kubelet.
func TestPullOnNodes(t *testing.T) {
	b := newBench(t)
	b.options.Pull = true
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				b.kubelet()
			}
		}
	}()
	check := b.run(t)
	close(stop)
	<-done
	wants(t, check)
	for _, image := range check.Images {
		if image.Node == nil || !*image.Node {
			t.Errorf("%s was not pulled by a node", image.Image)
		}
	}
	for _, line := range b.All() {
		if strings.HasPrefix(line, "pods ") {
			t.Errorf("Run(pull) left %s", line)
		}
	}
}

// kubelet says of every pod that its image is there.
func (b *bench) kubelet() {
	for _, line := range b.All() {
		if name, ok := strings.CutPrefix(strings.Fields(line)[1], "pg/"); ok && strings.HasPrefix(line, "pods ") {
			b.SetStatus("pods", "pg", name, map[string]any{"containerStatuses": []any{map[string]any{
				"name": "pull", "image": "x", "imageID": "sha256:1", "ready": false, "restartCount": int64(0), "state": map[string]any{},
			}}})
		}
	}
}

// An object that names an image for each of several purposes has a check of each of them, with a
// name of its own.
func TestSeveralImagesInOneObject(t *testing.T) {
	b := newBench(t)
	b.options.Offers = append(b.options.Offers, versions.Kind{Group: "lab.example.com", Kind: "Ver", Image: "spec.dbVersion"})
	check := b.run(t)
	var names []string
	for _, version := range check.Versions {
		names = append(names, version.Name)
	}
	if got, want := strings.Join(names, ", "), "v17 spec.instanceImage, v17 spec.dbVersion"; got != want {
		t.Errorf("Run() checks %s, want %s", got, want)
	}
}
