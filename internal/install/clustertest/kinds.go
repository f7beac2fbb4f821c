package clustertest

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Kind is a kind that the server serves.
type Kind struct {
	Group, Version, Resource, Name string
	Namespaced                     bool
}

var namespaceKind = Kind{"", "v1", "namespaces", "Namespace", false}

const definitionResource = "customresourcedefinitions.apiextensions.k8s.io"

// builtin are the kinds that are there from the start.
var builtin = []Kind{
	namespaceKind,
	{"", "v1", "nodes", "Node", false},
	{"", "v1", "secrets", "Secret", true},
	{"", "v1", "pods", "Pod", true},
	{"", "v1", "events", "Event", true},
	{"", "v1", "configmaps", "ConfigMap", true},
	{"", "v1", "serviceaccounts", "ServiceAccount", true},
	{"", "v1", "services", "Service", true},
	{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true},
	{"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false},
	{"apps", "v1", "deployments", "Deployment", true},
	{"apps", "v1", "replicasets", "ReplicaSet", true},
	{"apps", "v1", "statefulsets", "StatefulSet", true},
	{"apps", "v1", "daemonsets", "DaemonSet", true},
	{"batch", "v1", "jobs", "Job", true},
	{"rbac.authorization.k8s.io", "v1", "roles", "Role", true},
	{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false},
	{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false},
	{"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
	{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false},
}

// path is below which the kind's group is served.
func (k Kind) path() string {
	if k.Group == "" {
		return "/api/" + k.Version
	}
	return "/apis/" + k.groupVersion()
}

func (k Kind) groupVersion() string { return strings.TrimPrefix(k.Group+"/"+k.Version, "/") }

// full is the resource with its group, "dbs.lab.example.com".
func (k Kind) full() string { return strings.TrimSuffix(k.Resource+"."+k.Group, ".") }

func (s *Server) kindOf(object *unstructured.Unstructured) (Kind, bool) {
	for _, kind := range s.kinds {
		if kind.groupVersion() == object.GetAPIVersion() && kind.Name == object.GetKind() {
			return kind, true
		}
	}
	return Kind{}, false
}

// discover answers what is asked about the server and its kinds, and not about objects.
func (s *Server) discover(path string) (any, bool) {
	switch {
	case path == "/version":
		return map[string]any{"major": "1", "minor": "36", "gitVersion": Version}, true
	case path == "/api":
		return map[string]any{"kind": "APIVersions", "versions": []string{"v1"}}, true
	case path == "/apis":
		return map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": s.groups()}, true
	case path == "/openapi/v3":
		return s.openAPIs(), true
	case strings.HasPrefix(path, "/openapi/v3/"):
		return s.openAPI(strings.TrimPrefix(path, "/openapi/v3")), true
	}
	var resources []map[string]any
	for _, kind := range s.kinds {
		if kind.path() == path {
			resources = append(resources, map[string]any{
				"name": kind.Resource, "singularName": strings.ToLower(kind.Name), "kind": kind.Name, "namespaced": kind.Namespaced,
				"verbs": []string{"create", "delete", "get", "list", "patch", "update", "watch"},
			})
		}
	}
	if resources == nil {
		return nil, false
	}
	group := strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/")
	return map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": resources}, true
}

func (s *Server) groups() []map[string]any {
	seen := map[string]bool{"": true}
	groups := []map[string]any{}
	for _, kind := range s.kinds {
		if !seen[kind.Group] {
			seen[kind.Group] = true
			version := map[string]any{"groupVersion": kind.groupVersion(), "version": kind.Version}
			groups = append(groups, map[string]any{"name": kind.Group, "versions": []any{version}, "preferredVersion": version})
		}
	}
	return groups
}

// openAPIs and openAPI say no more than that unknown fields are the server's to find.
func (s *Server) openAPIs() any {
	paths := map[string]any{}
	for _, kind := range s.kinds {
		paths[strings.TrimPrefix(kind.path(), "/")] = map[string]any{"serverRelativeURL": "/openapi/v3" + kind.path()}
	}
	return map[string]any{"paths": paths}
}

func (s *Server) openAPI(group string) any {
	paths := map[string]any{}
	for _, kind := range s.kinds {
		if kind.path() != group {
			continue
		}
		paths[group+"/"+kind.Resource+"/{name}"] = map[string]any{"patch": map[string]any{
			"parameters":                      []any{map[string]any{"name": "fieldValidation", "in": "query"}},
			"responses":                       map[string]any{},
			"x-kubernetes-group-version-kind": map[string]any{"group": kind.Group, "version": kind.Version, "kind": kind.Name},
		}}
	}
	return map[string]any{"openapi": "3.0.0", "info": map[string]any{"title": "t", "version": "1"}, "paths": paths}
}

// define serves the kind of a CRD in the first version that is to be served, if any, and undefine ends that.
func (s *Server) define(crd *unstructured.Unstructured) {
	text := func(fields ...string) string {
		value, _, _ := unstructured.NestedString(crd.Object, fields...)
		return value
	}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	kind := Kind{text("spec", "group"), "v1", text("spec", "names", "plural"), text("spec", "names", "kind"), text("spec", "scope") != "Cluster"}
	s.undefine(kind.full())
	served := slices.IndexFunc(versions, func(version any) bool { return version.(map[string]any)["served"] != false })
	if served >= 0 {
		kind.Version, _ = versions[served].(map[string]any)["name"].(string)
	}
	if served >= 0 || len(versions) == 0 {
		s.kinds = append(s.kinds, kind)
	}
	if _, said, _ := unstructured.NestedSlice(crd.Object, "status", "conditions"); !said {
		_ = unstructured.SetNestedSlice(crd.Object, []any{map[string]any{"type": "Established", "status": "True"}}, "status", "conditions")
	}
}

func (s *Server) undefine(resource string) {
	for i, kind := range s.kinds {
		if kind.full() == resource {
			s.kinds = append(s.kinds[:i:i], s.kinds[i+1:]...)
			return
		}
	}
}
