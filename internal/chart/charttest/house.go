package charttest

// Catalogue is that of a product house, of one chart; Template is one of that chart, with its image.
const (
	Catalogue = `
product: house
target: house
registries: {v: vendor.example.com/x}
shapes: {s: {registry: v, chart: {repository: house, tag: "{release}"}, operator: {repository: op, tag: 1.2.3}, values: {image: {image: operator, form: reference}}}}
releases: {1.0.0: {shape: s}}
`
	Template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: '{{ .Values.image }}'}\n"
)
