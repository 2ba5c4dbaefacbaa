'use strict';
{
    // A form is sent once: a double click must not ask twice. Back by the browser's button, it's usable again,
    // and after the seconds that it names itself where its answer may be a file, which leaves the page standing.
    const once = () => document.querySelectorAll('form[data-once]');
    const buttons = (form) => form.querySelectorAll('button, input[type="submit"]');
    const release = (form) => {
        delete form.dataset.sent;
        buttons(form).forEach((button) => { button.disabled = false; });
    };
    document.addEventListener('submit', (event) => {
        const form = event.target;
        if (!form.matches('form[data-once]')) {
            return;
        }
        if (form.dataset.sent) {
            event.preventDefault();
            return;
        }
        form.dataset.sent = '1';
        // Only once the form is on its way: a disabled button's own name and value would not be sent.
        window.setTimeout(() => {
            if (form.dataset.sent) {
                buttons(form).forEach((button) => { button.disabled = true; });
            }
        });
        if (form.dataset.once) {
            window.setTimeout(() => release(form), Number(form.dataset.once) * 1000);
        }
    });
    window.addEventListener('pageshow', (event) => {
        if (event.persisted) {
            once().forEach(release);
        }
    });

    // On a phone each row is a card, and its cells say which column they are of.
    document.querySelectorAll('#result_list, table.cards').forEach((table) => {
        const names = [...table.querySelectorAll('thead th')].map((head) => {
            const text = head.querySelector('.text') || head;
            return text.textContent.trim();
        });
        table.querySelectorAll('tbody tr').forEach((row) => {
            [...row.cells].forEach((cell, place) => {
                if (cell.tagName === 'TD' && names[place] && !cell.classList.contains('action-checkbox')) {
                    cell.dataset.label = names[place];
                    cell.classList.toggle('nothing', cell.textContent.trim() === '–');
                }
            });
        });
    });

    // One box ticks or clears all others of its list.
    document.querySelectorAll('input[data-checks]').forEach((all) => {
        all.addEventListener('change', () => {
            all.closest('fieldset').querySelectorAll('li input[type="checkbox"]').forEach((box) => {
                box.checked = all.checked;
            });
        });
    });

    // A page about something unfinished loads itself again.
    const unfinished = document.querySelector('[data-refresh]');
    if (unfinished) {
        const timer = window.setTimeout(
            () => window.location.reload(), Number(unfinished.dataset.refresh) * 1000,
        );
        // What a person has just sent comes first.
        document.addEventListener('submit', () => window.clearTimeout(timer));
    }

    // One filter's menu is open at a time, and a click beside it closes it.
    const choosers = document.querySelectorAll('.chooser');
    document.addEventListener('click', (event) => {
        choosers.forEach((chooser) => {
            if (!chooser.contains(event.target)) {
                chooser.open = false;
            }
        });
    });
    document.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') {
            choosers.forEach((chooser) => { chooser.open = false; });
        }
    });
}
