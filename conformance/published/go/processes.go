package main

// Several processes may use the files of FilesystemStore. What goes wrong between them is chance's, so that the adapter
// which a gate holds to what is known of the store does not offer it.
func init() { tested.hooks = []string{"second-process"} }
