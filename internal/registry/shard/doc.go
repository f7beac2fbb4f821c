// Package shard cuts a plan into parts that several machines carry out at once. The cut is a
// function of the plan and of the number of parts and of nothing else, so that machines which never
// speak to each other agree on it.
//
//	cut, err := shard.New(shard.Of(planned), 4)
package shard
