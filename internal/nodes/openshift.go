package nodes

import "strings"

type object struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   metadata          `yaml:"metadata"`
	Spec       any               `yaml:"spec,omitempty"`
	Data       map[string]string `yaml:"data,omitempty"`
}

type metadata struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace,omitempty"`
}

type mirrorSet struct {
	Source  string   `yaml:"source"`
	Mirrors []string `yaml:"mirrors"`
	Policy  string   `yaml:"mirrorSourcePolicy"`
}

// openshift makes the two kinds of sets from which OpenShift writes its nodes' registries.conf:
// one counts for images that are named by digest, the other for those named by tag.
func openshift(rules []Rule, opts Options) ([]File, error) {
	policy := "NeverContactSource"
	if opts.AskVendor {
		policy = "AllowContactingSource"
	}
	var sets []mirrorSet
	for _, r := range rules {
		sets = append(sets, mirrorSet{Source: r.Vendor.String(), Mirrors: []string{r.Private.String()}, Policy: policy})
	}
	body, err := documents(
		object{APIVersion: "config.openshift.io/v1", Kind: "ImageDigestMirrorSet", Metadata: metadata{Name: "pgrelocate"}, Spec: map[string]any{"imageDigestMirrors": sets}},
		object{APIVersion: "config.openshift.io/v1", Kind: "ImageTagMirrorSet", Metadata: metadata{Name: "pgrelocate"}, Spec: map[string]any{"imageTagMirrors": sets}},
	)
	if err != nil {
		return nil, err
	}
	if opts.PlainHTTP {
		body = append([]byte(insecureNote), body...)
	}
	files := []File{{Path: "mirror-sets.yaml", Body: body}}
	if opts.Authority != nil {
		if body, err = authority(private(rules), opts.Authority); err != nil {
			return nil, err
		}
		files = append(files, File{Path: "trusted-ca.yaml", Body: body})
	}
	if opts.Login != nil {
		if body, err = authFile(private(rules), *opts.Login); err != nil {
			return nil, err
		}
		files = append(files, File{Path: "auth.json", Body: body, Secret: true})
	}
	return files, nil
}

// insecureNote is what the sets cannot say.
const insecureNote = "# The private registry speaks plain HTTP: list it too in spec.registrySources.insecureRegistries\n" +
	"# of image.config.openshift.io/cluster.\n"

// authority is the ConfigMap that the cluster's image.config names as additionalTrustedCA, in
// whose keys a port stands behind two dots.
func authority(host string, pem []byte) ([]byte, error) {
	return document(object{
		APIVersion: "v1", Kind: "ConfigMap", Metadata: metadata{Name: "pgrelocate-registry-ca", Namespace: "openshift-config"},
		Data: map[string]string{strings.Replace(host, ":", "..", 1): string(pem)},
	})
}
