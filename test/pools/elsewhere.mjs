/** Another module that gives back what it did not take. */
export async function giveBackElsewhere(give) {
  await null;
  return give();
}
