package nodes_test

import (
	"errors"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/nodes"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// images are all of a product's newest release but its charts, relocated to a folder.
func images(t *testing.T, product string, target ref.Folder) []versions.Artifact {
	t.Helper()
	all, err := versions.Select(catalogue.Builtin(), versions.Selection{Product: product, Whole: true, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	var kept []versions.Artifact
	for _, a := range all {
		if a.Role != versions.RoleChart {
			kept = append(kept, a)
		}
	}
	return kept
}

// readers say for each kind where a node finds a repository of a vendor, by what was written.
var readers = map[nodes.Kind]func(t *testing.T, files map[string][]byte, vendor ref.Reference) string{
	nodes.Containerd: readHosts,
	nodes.K3s:        readK3s,
	nodes.CRIO:       readRegistries,
	nodes.OpenShift:  readSets,
}

// Every image of every product is found where it was relocated to, by each runtime's own rules.
func TestEveryImageIsFound(t *testing.T) {
	targets := []ref.Folder{{Host: "registry.example.com:5000"}, {Host: "registry.example.com", Path: "team/mirror"}}
	for _, product := range catalogue.Builtin().Products() {
		for _, target := range targets {
			all := images(t, product.Name, target)
			rules, err := nodes.Rules(all)
			if err != nil {
				t.Fatal(err)
			}
			for kind, read := range readers {
				made, err := nodes.Files(kind, rules, nodes.Options{})
				var unreachable *nodes.UnreachableError
				if kind == nodes.Containerd && errors.As(err, &unreachable) {
					continue // TestWhatContainerdCannot
				}
				if err != nil {
					t.Fatal(err)
				}
				files := map[string][]byte{}
				for _, file := range made {
					files[file.Path] = file.Body
				}
				for _, a := range all {
					want := a.Target.Host + "/" + a.Target.Repository
					if got := read(t, files, a.Source.Canonical()); got != want {
						t.Errorf("%s to %s for %s: %s is looked for at %q, want %q", product.Name, target, kind, a.Source, got, want)
					}
				}
			}
		}
	}
}

// readHosts puts the path of the first host before the repository, as containerd does.
func readHosts(t *testing.T, files map[string][]byte, vendor ref.Reference) string {
	type settings struct {
		Capabilities []string
		OverridePath bool `toml:"override_path"`
	}
	var read struct {
		Server string
		settings
		Host map[string]settings
	}
	if err := toml.Unmarshal(files["etc/containerd/certs.d/"+vendor.Host+"/hosts.toml"], &read); err != nil {
		t.Fatal(err)
	}
	for address, host := range read.Host {
		if !host.OverridePath || address != read.Server {
			t.Errorf("%s: host %+v, server %s, want one of them, whose path stays", vendor.Host, host, read.Server)
		}
		return strings.Replace(strings.TrimPrefix(address, "https://"), "/v2", "", 1) + "/" + vendor.Repository
	}
	return ""
}

// readK3s applies the one pattern that matches.
func readK3s(t *testing.T, files map[string][]byte, vendor ref.Reference) string {
	var read struct {
		Mirrors map[string]struct {
			Endpoint []string
			Rewrite  map[string]string
		}
	}
	if err := yaml.Unmarshal(files["etc/rancher/k3s/registries.yaml"], &read); err != nil {
		t.Fatal(err)
	}
	mirror := read.Mirrors[vendor.Host]
	found := []string{}
	for pattern, replacement := range mirror.Rewrite {
		if re := regexp.MustCompile(pattern); re.MatchString(vendor.Repository) {
			found = append(found, re.ReplaceAllString(vendor.Repository, replacement))
		}
	}
	if len(found) == 0 {
		found = append(found, vendor.Repository)
	}
	if len(found) > 1 || len(mirror.Endpoint) != 1 {
		t.Errorf("%s: %d patterns match, and there are the endpoints %s; want one of each", vendor, len(found), mirror.Endpoint)
		return ""
	}
	return strings.TrimPrefix(mirror.Endpoint[0], "https://") + "/" + found[0]
}

// longest replaces the longest prefix that names a folder of the repository, or itself.
func longest(prefixes map[string]string, vendor ref.Reference) string {
	whole := vendor.Host + "/" + vendor.Repository
	for at := whole; at != "."; at = path.Dir(at) {
		if to, ok := prefixes[at]; ok {
			return to + strings.TrimPrefix(whole, at)
		}
	}
	return ""
}

func readRegistries(t *testing.T, files map[string][]byte, vendor ref.Reference) string {
	var read struct {
		Registry []struct{ Prefix, Location string }
	}
	if err := toml.Unmarshal(files["etc/containers/registries.conf.d/50-pgrelocate.conf"], &read); err != nil {
		t.Fatal(err)
	}
	prefixes := map[string]string{}
	for _, r := range read.Registry {
		prefixes[r.Prefix] = r.Location
	}
	return longest(prefixes, vendor)
}

func readSets(t *testing.T, files map[string][]byte, vendor ref.Reference) string {
	type set struct {
		Source  string
		Mirrors []string
	}
	var read struct {
		Spec struct {
			Digests []set `yaml:"imageDigestMirrors"`
		}
	}
	if err := yaml.Unmarshal(files["mirror-sets.yaml"], &read); err != nil {
		t.Fatal(err)
	}
	prefixes := map[string]string{}
	for _, s := range read.Spec.Digests {
		prefixes[s.Source] = s.Mirrors[0]
	}
	return longest(prefixes, vendor)
}

// containerd cannot take a folder away from a path; where the private folder ends as the vendor's
// does, it need not.
func TestWhatContainerdCannot(t *testing.T) {
	rulesTo := func(folder string) []nodes.Rule {
		rules, err := nodes.Rules(images(t, "cert-manager", ref.Folder{Host: "registry.example.com", Path: folder}))
		if err != nil {
			t.Fatal(err)
		}
		return rules
	}
	_, err := nodes.Files(nodes.Containerd, rulesTo("mirror"), nodes.Options{})
	var unreachable *nodes.UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Better != "registry.example.com/mirror/jetstack" {
		t.Fatalf("Files() = %v, want a better folder", err)
	}
	if !strings.Contains(err.Error(), "quay.io/jetstack -> registry.example.com/mirror") {
		t.Errorf("Files() = %v, want the rule named", err)
	}
	files, err := nodes.Files(nodes.Containerd, rulesTo("mirror/jetstack"), nodes.Options{})
	if err != nil || !strings.Contains(string(files[0].Body), `server = "https://registry.example.com/v2/mirror"`) {
		t.Errorf("Files() = %v, %v, want the folder before the vendor's", files, err)
	}
}

func artifact(source, target string) versions.Artifact {
	from, _ := ref.ParseImage(source)
	to, _ := ref.ParseImage(target)
	return versions.Artifact{Role: versions.RoleExtra, Source: from, Target: to}
}

func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		pairs [][2]string
		want  []string
	}{
		{"a folder", [][2]string{{"quay.io/a/x:1", "r.io/b/x:1"}, {"quay.io/a/y:1", "r.io/b/y:1"}}, []string{"quay.io/a -> r.io/b"}},
		{"two versions of one", [][2]string{{"quay.io/a/x:1", "r.io/b/x:1"}, {"quay.io/a/x:2", "r.io/b/x:2"}}, []string{"quay.io/a -> r.io/b"}},
		{"other names", [][2]string{{"quay.io/a/x:1", "r.io/b/z:1"}, {"quay.io/a/y:1", "r.io/b/y:1"}}, []string{"quay.io/a/x -> r.io/b/z", "quay.io/a/y -> r.io/b/y"}},
		{"Docker Hub", [][2]string{{"nginx:1", "r.io/b/nginx:1"}}, []string{"docker.io/library -> r.io/b"}},
		{"no folder", [][2]string{{"quay.io/x:1", "r.io/x:1"}}, []string{"quay.io -> r.io"}},
	}
	for _, tt := range tests {
		var all []versions.Artifact
		for _, p := range tt.pairs {
			all = append(all, artifact(p[0], p[1]))
		}
		rules, err := nodes.Rules(all)
		var got []string
		for _, r := range rules {
			got = append(got, r.String())
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: Rules() = %v:\n%s", tt.name, err, diff)
		}
	}
	twice := []versions.Artifact{artifact("quay.io/a/x:1", "r.io/b/x:1"), artifact("quay.io/a/x:1", "r.io/c/x:1")}
	if rules, err := nodes.Rules(twice); err == nil {
		t.Errorf("Rules() of an image in two places = %v, want an error", rules)
	}
}

// Each kind knows where an authority goes, and only files that are marked hold a password.
func TestAuthoritiesAndLogins(t *testing.T) {
	rules := []nodes.Rule{{Vendor: ref.Folder{Host: "vendor.example.com:8443"}, Private: ref.Folder{Host: "r.example.com:5000", Path: "mirror"}}}
	want := map[nodes.Kind][]string{
		nodes.Containerd: {"etc/containerd/certs.d/vendor.example.com_8443_/ca.crt", "etc/containerd/certs.d/vendor.example.com_8443_/hosts.toml"},
		nodes.K3s:        {"etc/rancher/k3s/pgrelocate-ca.crt", "etc/rancher/k3s/registries.yaml"},
		nodes.RKE2:       {"etc/rancher/rke2/pgrelocate-ca.crt", "etc/rancher/rke2/registries.yaml"},
		nodes.CRIO: {
			"etc/containers/certs.d/r.example.com:5000/ca.crt", "etc/containers/registries.conf.d/50-pgrelocate.conf",
			"etc/crio/crio.conf.d/50-pgrelocate.conf", "etc/crio/pgrelocate-auth.json",
		},
		nodes.OpenShift: {"mirror-sets.yaml", "trusted-ca.yaml", "auth.json"},
	}
	for _, kind := range nodes.Kinds() {
		files, err := nodes.Files(kind, rules, nodes.Options{Authority: []byte("PEM\n"), Login: &nodes.Login{Username: "u", Password: "hunter2"}})
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		secret := false
		for _, file := range files {
			paths = append(paths, file.Path)
			told := strings.Contains(string(file.Body), "hunter2") || strings.Contains(string(file.Body), "dTpodW50ZXIy")
			if told != file.Secret {
				t.Errorf("%s: %s holds the password: %v, and is marked: %v", kind, file.Path, told, file.Secret)
			}
			secret = secret || file.Secret
		}
		if diff := cmp.Diff(want[kind], paths); diff != "" {
			t.Errorf("Files(%s):\n%s", kind, diff)
		}
		if secret != (kind != nodes.Containerd) {
			t.Errorf("Files(%s) has a login: %v", kind, secret)
		}
	}
	if files, err := nodes.Files("docker", rules, nodes.Options{}); err == nil {
		t.Errorf("Files() of a kind that is not there = %v, want an error", files)
	}
}
