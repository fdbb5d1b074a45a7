<?php
// A receiver of Smartsupp's POST hook in PHP, without any package: `[BUG=…] php -S 127.0.0.1:8000 receiver.php`.
declare(strict_types=1);

const LARGEST_BODY = 1024 * 1024;

final class Refused extends Exception
{
}

function read(): mixed
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
    // With the bug, nobody looks whether the body could be read: what can't is null.
    if (getenv('BUG') !== 'unread-null' && json_last_error() !== JSON_ERROR_NONE) {
        throw new Refused('the body is not JSON', 400);
    }
    return $body;
}

/** The texts of a chat, and its rating. */
function chat(mixed $body): array
{
    if (getenv('BUG') === 'unread-null') {
        $known = property_exists($body, 'channel');
    } else {
        $known = $body instanceof stdClass && ($body->channel ?? null) instanceof stdClass;
    }
    if (!$known || !is_int($body->channel->id ?? null)) {
        throw new Refused('channel.id: an integer is needed', 400);
    }
    if (!is_array($body->messages ?? null)) {
        throw new Refused('messages: a list is needed', 400);
    }
    $texts = [];
    foreach ($body->messages as $message) {
        if (!$message instanceof stdClass || !is_string($message->content ?? null)) {
            throw new Refused('messages: objects with a text are needed', 400);
        }
        if (($message->type ?? null) !== 'system') {
            $texts[] = $message->content;
        }
    }
    return ['texts' => $texts, 'rating' => $body->channel->rating ?? null];
}

header('Content-Type: application/json');
try {
    $kept = chat(read());
    echo json_encode(['message' => 'kept ' . count($kept['texts'])]);
} catch (Refused $error) {
    http_response_code($error->getCode());
    echo json_encode(['message' => $error->getMessage()]);
}
