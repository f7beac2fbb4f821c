package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Elephants is a product of the tests' own, in CloudNativePG's shape: CRDs among the templates,
// operands that no manifest but the operator's settings names, catalogs of images that the
// chart does not bring, and an optional second chart. Its releases are 1.0.0 and 2.0.0.
type Elephants struct {
	// Vendor is the registry that it is published in.
	Vendor *registrytest.Registry
	// Group is that of its kinds, and Namespace where its operator is.
	Group, Namespace string
	// Requires is another product that it needs; empty for none.
	Requires string
	// BackupRequires is another product that its second chart alone needs; empty for none.
	BackupRequires string
	// Program is what its operator and its databases run; empty for images in which nothing runs.
	Program string
}

const elephantsCatalogue = `
product: elephants
title: Elephants
target: elephants
registries: {v: VENDOR/elephants}
cluster:
  namespace: NAMESPACE
  helmRelease: elephants
  databases:
    - {group: GROUP, kind: Cluster, image: spec.imageName, pullSecretAt: "spec.imagePullSecrets[0].name"}
  offers:
    - {group: GROUP, kind: ClusterImageCatalog, image: "spec.images[*].image", version: "spec.images[*].major"}
    - {group: GROUP, kind: ImageCatalog, image: "spec.images[*].image", version: "spec.images[*].major"}
  requires: [REQUIRES]
shapes:
  usual:
    registry: v
    axes:
      flavour: {values: [standard, minimal], default: [standard]}
      os: {values: [trixie, bookworm], default: [trixie]}
    images:
      - {name: operator, repository: operator, tag: "{release}"}
      - {name: postgres, repository: postgresql, tag: "{version}-{flavour}-{os}", axes: [version, flavour, os]}
      - {name: pooler, repository: pooler, tag: 1.24.1}
      - {name: saver, repository: saver, tag: "{release}", optional: true}
    charts:
      - name: chart
        repository: charts/elephants
        tag: "{release}"
        values:
          - {at: image.repository, value: "{operator.repository}"}
          - {at: image.tag, value: "{operator.tag}"}
          - {at: imagePullSecrets, value: [{name: "{pullSecret}"}]}
          - {at: config.data.POSTGRES_IMAGE_NAME, value: "{postgres.ref}"}
          - {at: config.data.POOLER_IMAGE_NAME, value: "{pooler.ref}"}
          - {at: config.data.PULL_SECRET_NAME, value: "{pullSecret}"}
        objects:
          - object: {apiVersion: GROUP/v1, kind: ClusterImageCatalog, metadata: {name: "GROUP-{flavour}-{os}"}}
            each: postgres
            at: spec.images
            entry: {major: "{major}", image: "{postgres.ref}"}
      - name: backup
        repository: charts/backup
        tag: "{release}"
        optional: true
        helmRelease: elephants-backup
        requires: [BACKUPNEEDS]
        values:
          - {at: image, value: "{saver.ref}"}
          - {at: pullSecret, value: "{pullSecret}"}
releases:
  1.0.0: {versions: [17.6, 16.10]}
  2.0.0: {versions: [18.1, 17.6, 16.10]}
`

const elephantsCRDs = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusters.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: clusters, singular: cluster, kind: Cluster}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clusterimagecatalogs.GROUP}
spec:
  group: GROUP
  scope: Cluster
  names: {plural: clusterimagecatalogs, singular: clusterimagecatalog, kind: ClusterImageCatalog}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [images], properties: {images: {type: array, minItems: 1, items: {type: object, required: [image, major], properties: {image: {type: string}, major: {type: integer, minimum: 10}}}}}}}}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: imagecatalogs.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: imagecatalogs, singular: imagecatalog, kind: ImageCatalog}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

const elephantsBackup = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: elephants-backup}
spec:
  selector: {matchLabels: {app: backup}}
  template:
    metadata: {labels: {app: backup}}
    spec:
      imagePullSecrets: [{name: "{{ .Values.pullSecret }}"}]
      containers: [{name: saver, image: "{{ .Values.image }}"}]
`

const elephantsOperator = `
apiVersion: v1
kind: ConfigMap
metadata: {name: elephants-config}
data:
  {{- toYaml .Values.config.data | nindent 2 }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: elephants-operator}
spec:
  selector: {matchLabels: {app: elephants}}
  template:
    metadata: {labels: {app: elephants}}
    spec:
      {{- with .Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: manager
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env: [{name: OPERATOR_IMAGE_NAME, value: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"}]
`

// Catalogue writes the file that describes the product.
func (e Elephants) Catalogue(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "elephants.yaml")
	text := e.fill(elephantsCatalogue, "REQUIRES", entryOf(e.Requires), "BACKUPNEEDS", entryOf(e.BackupRequires))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// entryOf is a required product in a catalogue file; nothing for none.
func entryOf(product string) string {
	if product == "" {
		return ""
	}
	return "{product: " + product + "}"
}

// CRDs are the product's definitions.
func (e Elephants) CRDs() string { return e.fill(elephantsCRDs) }

// Publish puts both releases into the vendor's registry.
func (e Elephants) Publish(t *testing.T) {
	t.Helper()
	for _, release := range []string{"1.0.0", "2.0.0"} {
		PushImage(t, e.Vendor, "elephants/operator:"+release, e.Program)
		PushChart(t, e.Vendor, "elephants/charts/elephants:"+release, charttest.Pack(t, map[string]string{
			"Chart.yaml":              "apiVersion: v2\nname: elephants\nversion: " + release + "\nappVersion: " + release + "\n",
			"values.yaml":             e.fill("image: {repository: VENDOR/elephants/operator, tag: \"\"}\nimagePullSecrets: []\nconfig: {data: {}}\n"),
			"templates/crds.yaml":     e.fill(elephantsCRDs),
			"templates/operator.yaml": elephantsOperator,
		}))
	}
	for _, release := range []string{"1.0.0", "2.0.0"} {
		PushImage(t, e.Vendor, "elephants/saver:"+release, e.Program)
		PushChart(t, e.Vendor, "elephants/charts/backup:"+release, charttest.Pack(t, map[string]string{
			"Chart.yaml":           "apiVersion: v2\nname: backup\nversion: " + release + "\n",
			"values.yaml":          e.fill("image: VENDOR/elephants/saver:" + release + "\npullSecret: none\n"),
			"templates/saver.yaml": elephantsBackup,
		}))
	}
	PushImage(t, e.Vendor, "elephants/pooler:1.24.1", "")
	for _, version := range []string{"18.1", "17.6", "16.10"} {
		for _, flavour := range []string{"standard", "minimal"} {
			for _, os := range []string{"trixie", "bookworm"} {
				PushImage(t, e.Vendor, "elephants/postgresql:"+version+"-"+flavour+"-"+os, e.Program)
			}
		}
	}
}

func (e Elephants) fill(text string, more ...string) string {
	words := append([]string{"VENDOR", e.Vendor.Host, "GROUP", e.Group, "NAMESPACE", e.Namespace}, more...)
	return strings.NewReplacer(words...).Replace(text)
}
