const form = document.querySelector('form.submit');
const text = form.elements.scenario;
const verdict = document.getElementById('verdict');
let timer = 0;
let number = 0;
let checked = verdict.dataset.isOf === 'text' ? text.value : null;
const later = wait => { clearTimeout(timer); timer = setTimeout(check, wait); };
const goTo = (line, column) => {
  const lines = text.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const end = start + (lines[line - 1] ?? '').length;
  text.focus();
  text.setSelectionRange(Math.min(start + Math.max(0, column - 1), end), end);
  text.scrollTop = Math.max(0, line - 3) * parseFloat(getComputedStyle(text).lineHeight);
};
const show = (says, isWrong, line, column) => {
  const said = JSON.stringify([says, isWrong, line, column]);
  if (verdict.dataset.said === said) return;
  verdict.dataset.said = said;
  text.setAttribute('aria-invalid', isWrong);
  const told = document.createElement('p');
  told.textContent = says;
  if (isWrong) told.className = 'finding';
  const parts = [told];
  if (line > 0) {
    const way = document.createElement('a');
    way.href = '#scenario';
    way.dataset.line = line;
    way.dataset.column = column;
    way.textContent = column > 0 ? `Go to line ${line}, column ${column}` : `Go to line ${line}`;
    parts.push(document.createElement('p'));
    parts[1].append(way);
  }
  verdict.replaceChildren(...parts);
};
const check = async () => {
  const asked = ++number;
  const value = text.value;
  if (value === checked) return;
  const answer = await fetch('/api/v1/check', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({scenario: value}),
  }).catch(() => null);
  const told = answer && await answer.json().catch(() => null);
  if (asked !== number) return;
  if (!told || !answer.ok) {
    checked = null;
    show(told?.error ?? 'The service does not answer.', false, 0, 0);
    if (!answer || answer.status === 429 || answer.status >= 500) later(2000);
    return;
  }
  checked = value;
  show(told.says, !told.isGood, told.line, told.column);
};
text.addEventListener('input', () => later(500));
verdict.addEventListener('click', click => {
  const way = click.target.closest('a[data-line]');
  if (!way) return;
  click.preventDefault();
  goTo(Number(way.dataset.line), Number(way.dataset.column));
});
if (checked === null) later(0);
