module.exports = (number) => number + 1;
