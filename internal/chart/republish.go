package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Republished is the chart under another version and with other default values: what is given
// is laid over its own, of which the comments stay. Everything else in it is as it was. The
// same input gives the same bytes.
func (c *Chart) Republished(version string, values map[string]any) (*Chart, error) {
	changed, seen := map[string]func([]byte) ([]byte, error){
		chartutil.ChartfileName:  func(text []byte) ([]byte, error) { return overlay(text, map[string]any{"version": version}) },
		chartutil.ValuesfileName: func(text []byte) ([]byte, error) { return overlay(text, values) },
	}, map[string]bool{}
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	out := tar.NewWriter(zipped)
	err := eachFile(c.archive, func(header *tar.Header, content []byte) error {
		for name, change := range changed {
			if !isTop(header.Name, name) || seen[name] {
				continue
			}
			seen[name] = true
			var err error
			if content, err = change(content); err != nil {
				return fmt.Errorf("changing %s of chart %s: %w", name, c.Name(), err)
			}
		}
		return writeFile(out, header, content)
	})
	if err != nil {
		return nil, err
	}
	if !seen[chartutil.ValuesfileName] && len(values) > 0 {
		text, err := overlay(nil, values)
		if err != nil {
			return nil, err
		}
		if err := writeFile(out, &tar.Header{Name: c.Name() + "/" + chartutil.ValuesfileName, Mode: 0o644}, text); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(out.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return Parse(packed.Bytes())
}

func writeFile(out *tar.Writer, header *tar.Header, content []byte) error {
	copied := *header
	copied.Size = int64(len(content))
	if err := out.WriteHeader(&copied); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

// eachFile goes through the files of a packed chart, in their order.
func eachFile(archive []byte, do func(header *tar.Header, content []byte) error) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	defer unzipped.Close()
	files := tar.NewReader(io.LimitReader(unzipped, loader.MaxDecompressedChartSize+1))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := do(header, content); err != nil {
			return err
		}
	}
}

// overlay lays values over a YAML document, of which the comments and the order stay.
func overlay(text []byte, values map[string]any) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind == 0 {
		document = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	if document.Content[0].Kind != yaml.MappingNode {
		document.Content[0] = &yaml.Node{Kind: yaml.MappingNode} // null, or empty
	}
	if err := detachAll(&document); err != nil {
		return nil, err
	}
	if err := lay(document.Content[0], values); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(&document)
	return out.Bytes(), errors.Join(err, encoder.Close())
}

// lay sets values in a map of a document.
func lay(into *yaml.Node, values map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		at := valueOf(into, key)
		if at == nil {
			at = &yaml.Node{Kind: yaml.MappingNode}
			into.Content = append(into.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, at)
		}
		inner, isMap := values[key].(map[string]any)
		if isMap && at.Kind == yaml.MappingNode {
			if err := lay(at, inner); err != nil {
				return err
			}
			continue
		}
		var value yaml.Node
		if err := value.Encode(values[key]); err != nil {
			return err
		}
		at.Kind, at.Style, at.Tag, at.Value = value.Kind, value.Style, value.Tag, value.Value
		at.Content, at.Alias, at.Anchor = value.Content, nil, ""
	}
	return nil
}

// valueOf is the value of a key; nil where the map does not have it.
func valueOf(in *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(in.Content); i += 2 {
		if in.Content[i].Value == key && in.Content[i].Tag != "!!merge" {
			return in.Content[i+1]
		}
	}
	return nil
}

// detachAll puts copies in the place of aliases, so that what is changed at one place changes at
// no other.
func detachAll(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		var value any
		if err := node.Alias.Decode(&value); err != nil {
			return err
		}
		var copied yaml.Node
		if err := copied.Encode(value); err != nil {
			return err
		}
		copied.HeadComment, copied.LineComment, copied.FootComment = node.HeadComment, node.LineComment, node.FootComment
		*node = copied
	}
	for _, inner := range node.Content {
		if err := detachAll(inner); err != nil {
			return err
		}
	}
	return nil
}
