package chart

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// checkValues holds the values against the schemas of the chart and its subcharts, as helm
// does. Unlike helm it fetches nothing: a schema that refers to an address or to a file of
// this machine is passed over, and the addresses are returned.
func (r request) checkValues() ([]string, error) {
	loaded, err := load(r.Archive)
	if err != nil || !hasSchema(loaded) {
		return nil, err
	}
	values := valuetree.CopyValues(r.Values)
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	coalesced, err := chartutil.CoalesceValues(loaded, values)
	if err != nil {
		return nil, err
	}
	return checkSchemas(loaded, coalesced)
}

func hasSchema(chart *helmchart.Chart) bool {
	found := chart.Schema != nil
	for _, sub := range chart.Dependencies() {
		found = found || hasSchema(sub)
	}
	return found
}

// checkSchemas goes through a chart and its subcharts, each with its own part of the values.
func checkSchemas(chart *helmchart.Chart, values map[string]any) (unchecked []string, err error) {
	if chart.Schema != nil {
		err := checkSchema(chart.Schema, values)
		var outside *jsonschema.LoadURLError
		switch {
		case errors.As(err, &outside):
			unchecked = append(unchecked, outside.URL)
		case err != nil:
			return nil, fmt.Errorf("the values do not fit the schema of chart %s: %w", chart.Name(), err)
		}
	}
	for _, sub := range chart.Dependencies() {
		below, ok := values[sub.Name()].(map[string]any)
		if !ok {
			continue
		}
		more, err := checkSchemas(sub, below)
		if err != nil {
			return nil, err
		}
		unchecked = append(unchecked, more...)
	}
	return unchecked, nil
}

// schemaName is where the validator takes a chart's schema to be.
const schemaName = "chart:///values.schema.json"

func checkSchema(schema []byte, values map[string]any) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nowhere{})
	if err := compiler.AddResource(schemaName, document); err != nil {
		return err
	}
	compiled, err := compiler.Compile(schemaName)
	if err != nil {
		return err
	}
	return compiled.Validate(values)
}

// nowhere is the loader of a validator that may not load anything.
type nowhere struct{}

// Load refuses; the validator says what it wanted in a LoadURLError.
func (nowhere) Load(string) (any, error) { return nil, errors.New("nothing is loaded") }
