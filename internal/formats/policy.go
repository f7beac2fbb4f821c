package formats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mostNames is how many names of images a policy may hold: the API server bounds what it
// evaluates, and what it stores.
const mostNames = 6_000

// PolicyOptions say where a policy counts, and for which names.
type PolicyOptions struct {
	// Name is the policy's and its binding's.
	Name string
	// Namespaces are those in which it counts; none is all.
	Namespaces []string
	// Pinned lets images in by digest only, and not by a tag, which may be moved.
	Pinned bool
	// VendorNames lets the vendor's names in too, for nodes that lead them to the private registry.
	VendorNames bool
}

// Policy is a ValidatingAdmissionPolicy with its binding that lets only what was relocated run: by
// its tag, by its digest, or by both. Every digest has to be known. What runs already may go on to
// be changed otherwise.
func Policy(items []Item, opts PolicyOptions) ([]byte, error) {
	var names []string
	for _, i := range items {
		if i.IsChart() {
			continue
		}
		if i.Digest == "" {
			return nil, fmt.Errorf("the digest of %s is not known", i.Target)
		}
		names = append(names, namesOf(i, opts)...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > mostNames {
		return nil, fmt.Errorf("%d names of images are too many for a policy; at most %d", len(names), mostNames)
	}
	text, err := document(manifest{
		APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy", Metadata: &metadata{Name: opts.Name},
		Spec: map[string]any{
			"failurePolicy": "Fail",
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []string{""}, "apiVersions": []string{"v1"}, "operations": []string{"CREATE", "UPDATE"},
				"resources": []string{"pods", "pods/ephemeralcontainers"},
			}}},
			"variables": []any{
				variable("relocated", "["+strings.Join(quoted(names), ", ")+"]"),
				variable("images", imagesIn("object.spec")),
				variable("before", "oldObject == null ? [] : "+imagesIn("oldObject.spec")),
				variable("strangers", "variables.images.filter(i, !(i in variables.relocated) && !(i in variables.before))"),
			},
			"validations": []any{map[string]any{
				"expression":        "variables.strangers.size() == 0",
				"messageExpression": `"not among what was relocated: " + variables.strangers.join(", ")`,
				"reason":            "Forbidden",
			}},
		},
	})
	if err != nil {
		return nil, err
	}
	binding := map[string]any{"policyName": opts.Name, "validationActions": []string{"Deny"}}
	if len(opts.Namespaces) > 0 {
		binding["matchResources"] = map[string]any{"namespaceSelector": map[string]any{"matchExpressions": []any{
			map[string]any{"key": "kubernetes.io/metadata.name", "operator": "In", "values": opts.Namespaces},
		}}}
	}
	more, err := document(manifest{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicyBinding", Metadata: &metadata{Name: opts.Name}, Spec: binding})
	return append(append(text, "---\n"...), more...), err
}

// namesOf are the names by which an image may be run.
func namesOf(i Item, opts PolicyOptions) []string {
	var names []string
	places := []string{i.Target.Host + "/" + i.Target.Repository}
	if opts.VendorNames {
		places = append(places, i.Source.Host+"/"+i.Source.Repository)
	}
	for _, place := range places {
		names = append(names, place+"@"+i.Digest)
		if i.Target.Tag == "" {
			continue
		}
		names = append(names, place+":"+i.Target.Tag+"@"+i.Digest)
		if !opts.Pinned {
			names = append(names, place+":"+i.Target.Tag)
		}
	}
	return names
}

// imagesIn is the expression of all images of a pod's spec: those of its containers, and those that it
// mounts as volumes, whose programs containers may run.
func imagesIn(spec string) string {
	all := spec + ".containers.map(c, c.image)"
	for _, list := range []string{"initContainers", "ephemeralContainers"} {
		all += fmt.Sprintf(" + (has(%[1]s.%[2]s) ? %[1]s.%[2]s.map(c, c.image) : [])", spec, list)
	}
	return all + fmt.Sprintf(" + (has(%[1]s.volumes) ? %[1]s.volumes.filter(v, has(v.image) && has(v.image.reference)).map(v, v.image.reference) : [])", spec)
}

func variable(name, expression string) map[string]any {
	return map[string]any{"name": name, "expression": expression}
}

// quoted are strings as CEL writes them. Names of images have no characters that it writes
// otherwise than Go does.
func quoted(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = strconv.Quote(word)
	}
	return all
}
