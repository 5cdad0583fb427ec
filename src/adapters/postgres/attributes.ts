/** The source by which the id of a row is claimed, as of `claimSource`; from its column `attributes`. */
export const claimSourceOf = (column: string): string => `coalesce(${column}::json ->> 'source', '')`
