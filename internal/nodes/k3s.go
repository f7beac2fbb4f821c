package nodes

import "regexp"

// k3sRegistries is the registries.yaml of k3s and rke2.
type k3sRegistries struct {
	Mirrors map[string]k3sMirror `yaml:"mirrors"`
	Configs map[string]k3sConfig `yaml:"configs,omitempty"`
}

type k3sMirror struct {
	Endpoint []string          `yaml:"endpoint"`
	Rewrite  map[string]string `yaml:"rewrite,omitempty"`
}

type k3sConfig struct {
	Auth *k3sAuth `yaml:"auth,omitempty"`
	TLS  *k3sTLS  `yaml:"tls,omitempty"`
}

type k3sAuth struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

type k3sTLS struct {
	Authority string `yaml:"ca_file"`
}

// k3s rewrites paths by regular expressions. None of ours matches what another one does, for
// which of them counts would not be said then.
func k3s(folder string, rules []Rule, opts Options) ([]File, error) {
	made := k3sRegistries{Mirrors: map[string]k3sMirror{}}
	for _, r := range rules {
		mirror, ok := made.Mirrors[r.Vendor.Host]
		if !ok {
			mirror = k3sMirror{Endpoint: []string{opts.scheme() + r.Private.Host}, Rewrite: map[string]string{}}
		}
		pattern, replacement := "^"+regexp.QuoteMeta(r.Vendor.Path)+"$", r.Private.Path
		if !r.Exact {
			pattern, replacement = "^"+regexp.QuoteMeta(below(r.Vendor.Path))+"([^/]+)$", below(r.Private.Path)+"$1"
		}
		if r.Vendor.Path != r.Private.Path {
			mirror.Rewrite[pattern] = replacement
		}
		made.Mirrors[r.Vendor.Host] = mirror
	}
	var files []File
	var config k3sConfig
	if opts.Authority != nil {
		name := folder + "/pgrelocate-ca.crt"
		files = append(files, File{Path: name, Body: opts.Authority})
		config.TLS = &k3sTLS{Authority: "/" + name}
	}
	if opts.Login != nil {
		config.Auth = &k3sAuth{opts.Login.Username, opts.Login.Password}
	}
	if config != (k3sConfig{}) {
		made.Configs = map[string]k3sConfig{private(rules): config}
	}
	body, err := document(made)
	return append(files, File{Path: folder + "/registries.yaml", Body: body, Secret: opts.Login != nil}), err
}

// below is what stands before everything in a folder.
func below(folder string) string {
	if folder == "" {
		return ""
	}
	return folder + "/"
}
