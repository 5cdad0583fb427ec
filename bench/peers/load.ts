/** Imports a package of this folder by name. The packages are not there until the bench has installed them. */
export function load<Module>(name: string): Promise<Module> {
  return import(name)
}
