// Package chart reads, renders and packs Helm charts. The packages below answer what a relocation
// asks of them: which images a chart would run and whether anything in its manifests still names
// the old registry (naming), and which values make it run from another one (rewrite).
//
// Parse, ReadFile and Fetch give a Chart; Chart.Render gives a Rendering without a
// cluster. Nothing here talks to a cluster or prints.
package chart
