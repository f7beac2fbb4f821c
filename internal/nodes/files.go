package nodes

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind is whose configuration is made.
type Kind string

// The kinds that there are.
const (
	Containerd Kind = "containerd"
	K3s        Kind = "k3s"
	RKE2       Kind = "rke2"
	CRIO       Kind = "crio"
	OpenShift  Kind = "openshift"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Containerd, K3s, RKE2, CRIO, OpenShift} }

// Options say how nodes reach the private registry. The zero value is over HTTPS with an authority
// that they know, and never the vendor's own.
type Options struct {
	// PlainHTTP reaches it over HTTP.
	PlainHTTP bool
	// Authority is the certificate authority in PEM that nodes trust for it; nil is none.
	Authority []byte
	// AskVendor lets nodes ask the vendor for what the private registry lacks.
	AskVendor bool
	// Login goes into files that can hold one; nil leaves that to pull secrets.
	Login *Login
}

// Login is how nodes log in at the private registry.
type Login struct{ Username, Password string }

// File is a file of a node, or for OpenShift a manifest for the cluster.
type File struct {
	// Path is where it belongs, without a slash at its beginning.
	Path string
	Body []byte
	// Secret: it holds a password.
	Secret bool
}

// Files are what nodes need, in the order of their paths. What a runtime cannot express is an
// *UnreachableError.
func Files(kind Kind, rules []Rule, opts Options) ([]File, error) {
	switch kind {
	case Containerd:
		return containerd(rules, opts)
	case K3s, RKE2:
		return k3s("etc/rancher/"+string(kind), rules, opts)
	case CRIO:
		return crio(rules, opts)
	case OpenShift:
		return openshift(rules, opts)
	default:
		return nil, fmt.Errorf("nodes of the kind %q are not known", kind)
	}
}

// UnreachableError says which places a runtime cannot be led to.
type UnreachableError struct {
	Rules []Rule
	// Better is a folder of the private registry below which it could be; empty where none is.
	Better string
}

// Error names them.
func (e *UnreachableError) Error() string {
	lines := make([]string, len(e.Rules))
	for i, r := range e.Rules {
		lines[i] = "\n  " + r.String()
	}
	return "containerd can put a folder before a vendor's path, and not change the path; it cannot be led this way:" + strings.Join(lines, "")
}

// private is the host of the private registry, which is the same in all rules.
func private(rules []Rule) string {
	if len(rules) == 0 {
		return ""
	}
	return rules[0].Private.Host
}

func (o Options) scheme() string {
	if o.PlainHTTP {
		return "http://"
	}
	return "https://"
}

// document is one YAML document.
func document(value any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// documents are several in one file.
func documents(values ...any) ([]byte, error) {
	var all [][]byte
	for _, value := range values {
		body, err := document(value)
		if err != nil {
			return nil, err
		}
		all = append(all, body)
	}
	return bytes.Join(all, []byte("---\n")), nil
}
