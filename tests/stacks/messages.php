<?php
// A receiver of MessageHub in PHP that keeps messages in files, without any package:
// `FOLDER=… [BUG=…] PHP_CLI_SERVER_WORKERS=8 php -S 127.0.0.1:8000 messages.php`.
declare(strict_types=1);

const LARGEST_BODY = 1024 * 1024;
const GAP = 5000; // Microseconds that the work takes.

final class Refused extends Exception
{
}

function read(): stdClass
{
    $type = strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]));
    if ($type !== 'application/json') {
        throw new Refused('Content-Type must be application/json', 415);
    }
    $raw = file_get_contents('php://input');
    if (strlen($raw) > LARGEST_BODY) {
        throw new Refused('the body is too large', 413);
    }
    $body = json_decode($raw, depth: 100);
    if (!$body instanceof stdClass) {
        throw new Refused('the body is not a JSON object', 400);
    }
    return $body;
}

function identity(mixed $value, string $name): string
{
    if (is_int($value) || (is_string($value) && $value !== '')) {
        return (string) $value;
    }
    throw new Refused("$name: an id is needed", 400);
}

/** The message of a body: [conversation, id, text], or null for an event about something else. */
function message(stdClass $body): ?array
{
    $event = $body->event ?? null;
    if (!is_string($event)) {
        throw new Refused('event: text is needed', 400);
    }
    $conversation = null;
    if (str_starts_with($event, 'message_') || str_starts_with($event, 'conversation_typing_')) {
        if (!($body->conversation ?? null) instanceof stdClass) {
            throw new Refused('conversation: an object is needed', 400);
        }
        $conversation = identity($body->conversation->id ?? null, 'conversation.id');
    } elseif (preg_match('/^(conversation|webwidget)_/', $event)) {
        identity($body->id ?? null, 'id');
    }
    if ($event !== 'message_created') {
        return null;
    }
    $text = $body->content ?? '';
    if (!is_string($text)) {
        throw new Refused('content: text is needed', 400);
    }
    return [$conversation, identity($body->id ?? null, 'id'), $text];
}

function path(string $conversation): string
{
    return getenv('FOLDER') . '/' . rawurlencode($conversation);
}

/** The rows of a conversation, each [id, text]; null if there are none. */
function rows(string $conversation): ?array
{
    $lines = @file(path($conversation), FILE_IGNORE_NEW_LINES);
    return $lines ? array_map(fn (string $line): array => json_decode($line), $lines) : null;
}

function store(string $conversation, string $id, string $text): void
{
    $known = rows($conversation) ?? [];
    usleep(GAP);
    if (in_array($id, array_column($known, 0), true)) {
        return;
    }
    if (getenv('BUG') === 'write-back') {
        $lines = array_map(fn (array $row): string => json_encode($row) . "\n", [...$known, [$id, $text]]);
        $new = tempnam(getenv('FOLDER'), '.');
        file_put_contents($new, $lines);
        rename($new, path($conversation));
    } else {
        file_put_contents(path($conversation), json_encode([$id, $text]) . "\n", FILE_APPEND);
    }
}

header('Content-Type: application/json');
try {
    if ($_SERVER['REQUEST_METHOD'] === 'GET') {
        $found = rows(rawurldecode(basename($_SERVER['REQUEST_URI'])));
        http_response_code($found === null ? 404 : 200);
        $rows = $found ?? [];
        usort($rows, fn (array $one, array $other): int => (int) $one[0] <=> (int) $other[0]);
        echo json_encode(['texts' => array_column($rows, 1)]);
    } elseif ($said = message(read())) {
        $lock = fopen(path($said[0]) . '.lock', 'c');
        if (!getenv('BUG')) {
            flock($lock, LOCK_EX);
        }
        store(...$said);
        echo '{"message": "kept"}';
    } else {
        echo '{"message": "nothing to keep"}';
    }
} catch (Refused $error) {
    http_response_code($error->getCode());
    echo json_encode(['message' => $error->getMessage()]);
}
