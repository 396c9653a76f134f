/**
 * The numbers that the operator has on sale: numbers that a regulator keeps free for fiction, so that nothing in a demo, a test or a screenshot is anybody's telephone.
 *
 * - US: line numbers 555-0100 to 555-0199 of every area code (ATIS-0300115, "555 NXX Assignment Guidelines").
 *   The area codes are the geographic ones of the United States in libphonenumber's metadata.
 * - GB: Ofcom, "Telephone numbers for use in TV and radio drama programmes".
 * - FR: Arcep, decision 2018-0881 as amended, numbers for audiovisual works.
 * - DE: Bundesnetzagentur, Mitteilung 148/2021, "Rufnummern für Medienproduktionen".
 * - IN: no range is reserved there. These have the form of an Indian number under an area code, 10, that the list
 *   of trunk codes does not have, so that no subscriber does either.
 *
 * Some reserved numbers are left to the phones, because demos, tests and documentation use them as people's
 * own: the area codes of large US cities (below), GB 020 7946 0, 01632 960 and 07700 900, and FR 06 39 98.
 */
export interface NumberRange {
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  /** `+`, country code and the digits that all numbers of the range share */
  readonly prefix: string;
  /** how many digits follow the prefix */
  readonly suffixDigits: number;
  readonly firstSuffix: number;
  readonly count: number;
}

// Not here, left to the phones: 201 202 206 212 213 303 305 310 312 404 408 415 503 510 512 602 617 628 646
// 650 702 713 718 720 747 917. Not here, run by the federal government: 710.
const US_AREA_CODES = `
  203 205 207 208 209 210 214 215 216 217 218 219 220 223 224 225 227 228 229 231 234 235 239 240 248 251 252
  253 254 256 260 262 267 269 270 272 274 276 279 281 283 301 302 304 307 308 309 313 314 315 316 317 318 319
  320 321 323 324 325 326 327 329 330 331 332 334 336 337 339 341 346 347 350 351 352 353 360 361 363 364 369
  380 385 386 401 402 405 406 407 409 410 412 413 414 417 419 423 424 425 430 432 434 435 440 442 443 445 447
  448 458 463 464 469 470 472 475 478 479 480 484 501 502 504 505 507 508 509 513 515 516 517 518 520 530 531
  534 539 540 541 551 557 559 561 562 563 564 567 570 571 572 573 574 575 580 582 585 586 601 603 605 606 607
  608 609 610 612 614 615 616 618 619 620 623 626 629 630 631 636 640 641 645 651 656 657 659 660 661 662 667
  669 678 680 681 682 686 689 701 703 704 706 707 708 712 714 715 716 717 719 724 725 726 727 728 730 731 732
  734 737 738 740 743 748 754 757 760 762 763 765 769 770 771 772 773 774 775 779 781 785 786 801 802 803 804
  805 806 808 810 812 813 814 815 816 817 818 820 821 826 828 830 831 832 835 838 839 840 843 845 847 848 850
  854 856 857 858 859 860 862 863 864 865 870 872 878 901 903 904 906 907 908 909 910 912 913 914 915 916 918
  919 920 925 928 929 930 931 934 936 937 938 940 941 943 945 947 948 949 951 952 954 956 959 970 971 972 973
  975 978 979 980 983 984 985 986 989`
  .trim()
  .split(/\s+/);

// Leeds, Sheffield, Leicester, Bristol, Reading, Birmingham, Edinburgh, Glasgow, Liverpool, Manchester,
// Tyneside, Northern Ireland, Cardiff, and 03 numbers of no place; 1,000 each. Nottingham's 0115 496 0 is left
// out: libphonenumber does not know it, so software under test may refuse it.
const GB_PREFIXES = [
  ...['113', '114', '116', '117', '118', '121', '131', '141', '151', '161'].map((a) => `+44${a}4960`),
  ...['+441914980', '+442896496', '+442920180', '+443069990'],
];

// Île-de-France, north-west, north-east, south-east, south-west; 10,000 each.
const FR_PREFIXES = ['+3319900', '+3326191', '+3335301', '+3346571', '+3353649'];

// Berlin, Frankfurt am Main, Hamburg, Köln, München; 1,000 each.
const DE_PREFIXES = ['+493023125', '+496990009', '+494066969', '+492214710', '+498999998'];

/** In the order in which they are offered. */
export const NUMBER_RANGES: readonly NumberRange[] = [
  ...US_AREA_CODES.map((areaCode) => range('US', `+1${areaCode}5550`, 3, 100, 100)),
  ...GB_PREFIXES.map((prefix) => range('GB', prefix, 3, 0, 1_000)),
  ...FR_PREFIXES.map((prefix) => range('FR', prefix, 4, 0, 10_000)),
  ...DE_PREFIXES.map((prefix) => range('DE', prefix, 3, 0, 1_000)),
  range('IN', '+91100000', 4, 0, 10_000),
];

function range(
  country: string,
  prefix: string,
  suffixDigits: number,
  firstSuffix: number,
  count: number,
): NumberRange {
  return { country, prefix, suffixDigits, firstSuffix, count };
}
