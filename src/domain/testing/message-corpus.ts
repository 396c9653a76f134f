/** Ways in which people hide a phone number, by name; each is given the ten digits of one. */
const SPELLINGS: Readonly<Record<string, (digits: string) => string>> = {
  solid: (d) => d,
  international: (d) => `+44 ${d}`,
  'international solid': (d) => `0044${d}`,
  spaced: (d) => [...d].join(' '),
  dashed: (d) => `${d.slice(0, 3)}-${d.slice(3, 6)}-${d.slice(6)}`,
  dotted: (d) => `${d.slice(0, 2)}.${d.slice(2, 4)}.${d.slice(4, 6)}.${d.slice(6, 8)}.${d.slice(8)}`,
  bracketed: (d) => `(${d.slice(0, 3)}) ${d.slice(3, 6)} ${d.slice(6)}`,
  underscored: (d) => [...d].join('_'),
  starred: (d) => [...d].join('*'),
  'with long dashes': (d) => `${d.slice(0, 5)} – ${d.slice(5)}`,
  'with commas': (d) => [...d].join(','),
  'with slashes': (d) => `${d.slice(0, 4)}/${d.slice(4)}`,
  'over two lines': (d) => `${d.slice(0, 5)}\n${d.slice(5)}`,
  'with invisible characters': (d) => [...d].join('\u200B'),
  fullwidth: (d) => shifted(d, 0xff10),
  'Arabic-Indic': (d) => shifted(d, 0x0660),
  Devanagari: (d) => shifted(d, 0x0966),
  Bengali: (d) => shifted(d, 0x09e6),
  'mathematical bold': (d) => shifted(d, 0x1d7ce),
  superscript: (d) => [...d].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join(''),
  circled: (d) => [...d].map((digit) => '⓪①②③④⑤⑥⑦⑧⑨'[Number(digit)]).join(' '),
  keycaps: (d) => [...d].map((digit) => `${digit}\uFE0F\u20E3`).join(''),
  words: (d) => [...d].map(word).join(' '),
  'words with dashes': (d) => [...d].map(word).join('-'),
  'words in capitals': (d) => [...d].map((digit) => word(digit).toUpperCase()).join(' '),
  'words joined': (d) => [...d].map(word).join(''),
  'words and digits': (d) => [...d].map((digit, i) => (i % 2 === 0 ? word(digit) : digit)).join(' '),
  'with oh': (d) => [...d].map((digit) => (digit === '0' ? 'oh' : word(digit))).join(', '),
  doubled: (d) => `double ${word(d[0] ?? '')} ${[...d.slice(2)].map(word).join(' ')} ${word(d[9] ?? '')}`,
  'spoken marks': (d) => `${d.slice(0, 3)} dash ${d.slice(3, 6)} dash ${d.slice(6)}`,
  'letter O': (d) => d.replaceAll('0', 'O'),
  'letters l and S': (d) => d.replaceAll('1', 'l').replaceAll('5', 'S'),
  'in a link': (d) => `https://wa.me/44${d}`,
  'in a tel link': (d) => `tel:+44${d}`,
  'glued to words': (d) => `call${d}now`,
  'as an order number': (d) => `order ${d}`,
  'a letter between': (d) => [...d].join('x'),
  // Beyond what the filter knows, and counted against it.
  'in another language': (d) =>
    [...d]
      .map(
        (n) => ['null', 'eins', 'zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben', 'acht', 'neun'][Number(n)],
      )
      .join(' '),
};

const SENTENCES = [
  (hidden: string) => `call me at ${hidden}`,
  (hidden: string) => `${hidden} is my whatsapp`,
  (hidden: string) => `I am outside, ring ${hidden} please!`,
  (hidden: string) => `no answer... try: ${hidden}.`,
];

/** 520 texts that each hide one number: drawn from ranges for fiction, in the spellings above. */
export function hiddenNumbers(): { readonly spelling: string; readonly body: string }[] {
  const texts: { spelling: string; body: string }[] = [];
  const spellings = Object.entries(SPELLINGS);
  for (let i = 0; texts.length < 520; i++) {
    const [spelling, spell] = spellings[i % spellings.length] as (typeof spellings)[number];
    const subscriber = String((i * 37) % 1_000).padStart(3, '0');
    const digits = i % 2 === 0 ? `7700900${subscriber}` : `${201 + (i % 700)}55501${subscriber.slice(1)}`;
    const sentence = SENTENCES[i % SENTENCES.length] as (typeof SENTENCES)[number];
    texts.push({ spelling, body: sentence(spell(digits)) });
  }
  return texts;
}

const ORDINARY = [
  'I am at the door',
  'Leave it with the neighbour at number 12, please',
  'Gate code is 4471#, second floor, flat 23B',
  'The lift is broken, 5th floor, sorry!',
  'Your order 48213 is on its way',
  'Order #10048213 should be 2 bags and 1 crate',
  'Order number 20260417 came without the milk',
  'Ref: 7734219 - can you check?',
  'Booking id 88231047 is for two people',
  'OTP 482913',
  'The OTP is 4829131',
  'I paid $1,250.00 already',
  'Total ₹12,34,567.00 as discussed',
  'It was EUR 1234567',
  'Rs. 2,450 cash on delivery, change for 500',
  'Between 10:30 and 12:45 would be best',
  'Delivered 2026-04-17 18:20:05 as promised',
  'Can you come on 17/04/2026 at 9:15?',
  'On 04/17/2026 or 04/18/2026',
  '17.04.2026, 14:00 - 16:00',
  'Rooms 101, 102, 103, 104 and the lobby',
  'Bays 12, 14, 16, 18',
  'My location is 12.971598, 77.594566',
  'Pin dropped: -33.868820, 151.209290 near the park',
  'https://maps.example.com/place/12.9715987,77.5945627,17z',
  'See https://tracking.example.com/parcel/00340434161094042557',
  '2 x 500 ml, 3 x 250 g, 1 x 1000 g',
  'One or two minutes, three at most',
  'one two three, testing',
  'I have got one, you have two; that makes three.',
  'Ten to twelve people, twenty chairs',
  'For you, to go: ate two, won one',
  'Oh no, oh dear, oh well',
  'Bus 42 or 57, then walk 300 m',
  'Platform 9 3/4 :)',
  'Score was 3-2, then 4-2',
  'Size 42, colour 7, pieces 12',
  'Battery at 7%, may drop off',
  '100 % sure it is the blue door',
  'Up the A40, exit 14B, left after 1.2 km',
  'SW1A 1AA, opposite no. 10',
  'Sizzling soup, IllBoSS LOLOL',
  'B2B, C3PO and R2D2 will help you carry it',
  'Vehicle KA 01 AB 1234, a white van',
  'Number plate WB 20 AC 4455',
  'ETA 7 min. 2 stops before you.',
  'Take 2nd left, 3rd right, 1st house',
  'Call when you arrive please',
  'Sorry, wrong floor. 3, not 4!',
  'Thanks!!! 10/10 would order again',
];

/** 520 texts that people who deliver and people who wait write to each other; none holds a phone number. */
export function ordinaryMessages(): string[] {
  const texts = [...ORDINARY];
  for (let i = 0; texts.length < 520; i++) {
    const flat = 1 + ((i * 7) % 480);
    const minutes = 1 + (i % 55);
    const day = String(1 + (i % 28)).padStart(2, '0');
    const order = 10_000 + i * 317;
    const templates = [
      `I am ${minutes} minutes away, order ${order}`,
      `Flat ${flat}, floor ${1 + (i % 30)}, ring twice`,
      `Please come at ${9 + (i % 10)}:${String(minutes).padStart(2, '0')}, gate ${flat}`,
      `Invoice no. ${1_000_000 + order} for ${1 + (i % 5)} items, $${minutes}.99`,
      `Moved to ${day}/0${1 + (i % 9)}/2026, ${8 + (i % 4)}:00-${13 + (i % 5)}:30`,
      `${1 + (i % 9)} bags, ${1 + (i % 4)} boxes, ${flat} g of rice and ${minutes * 10} ml of oil`,
      `Turn left after ${flat} m, then ${minutes} m straight, house ${1 + (i % 99)}`,
      `Your code is ${1_000 + ((i * 13) % 9_000)}, keep it until 2026-0${1 + (i % 9)}-${day}`,
    ];
    texts.push(templates[i % templates.length] as string);
  }
  return texts;
}

function shifted(digits: string, zero: number): string {
  return [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join('');
}

function word(digit: string): string {
  const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
  return words[Number(digit)] ?? '';
}
