package naming

import (
	"bytes"
	"encoding/base64"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// encoded is where objects have text that is written as base64.
var encoded = map[string]string{"Secret": "data", "ConfigMap": "binaryData"}

// readable is an object with such text as whoever runs gets it. Logins stay as they are: they name
// registries, which is no use of an image.
func readable(object chart.Object) map[string]any {
	field := encoded[object.GetKind()]
	data, ok := object.Object[field].(map[string]any)
	if !ok || object.GroupVersionKind().Group != "" || isLogin(object) {
		return object.Object
	}
	plain := maps.Clone(data)
	for key, value := range plain {
		text, _ := value.(string)
		body, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err == nil && utf8.Valid(body) && !bytes.ContainsRune(body, 0) {
			plain[key] = string(body)
		}
	}
	all := maps.Clone(object.Object)
	all[field] = plain
	return all
}

// isLogin tells of a secret with which images are pulled.
func isLogin(object chart.Object) bool {
	kind, _ := object.Object["type"].(string)
	return kind == "kubernetes.io/dockerconfigjson" || kind == "kubernetes.io/dockercfg"
}
