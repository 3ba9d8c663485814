// Tokens of the policy language.  Words of the language are names here; compiler/syntax gives those that begin a statement
// their own type, so that every word can be a name elsewhere.
lexer grammar RavelinLexer;

tokens { LANGUAGE, IMPORT, MODULE, POLICY, ATTACH, LAYERS, ARCHITECTURES, FOREIGN, REFERENCE, USE, BINDING, DEFAULT, UNKNOWN, WHEN, ACCEPT, RAW, LIMIT, HAT, CHILD, TEST, EXPECT, VERB, LBLOCK }

IN: 'in';
ELSE: 'else';
LBRACE: '{';
RBRACE: '}';
LPAREN: '(';
RPAREN: ')';
COMMA: ',';
SEMI: ';';
COLON: ':';
RANGE: '..';
EQ: '==';
NE: '!=';
LE: '<=';
GE: '>=';
SHL: '<<';
SHR: '>>';
LT: '<';
GT: '>';
ASSIGN: '=';
ANDAND: '&&';
OROR: '||';
AMP: '&';
PIPE: '|';
CARET: '^';
TILDE: '~';
NOT: '!';
PLUS: '+';
MINUS: '-';
VERSION: [0-9]+ '.' [0-9]+;
NUMBER: [0-9] [0-9a-zA-Z_]*;
STRING: '"' (~["\\\r\n] | '\\' ~[\r\n])* '"';
OPEN_STRING: '"' (~["\\\r\n] | '\\' ~[\r\n])*;
NAME: [a-zA-Z_] [a-zA-Z0-9_]* (('::' | '.') [a-zA-Z_] [a-zA-Z0-9_]*)*;
LINE_COMMENT: ('//' | '#') ~[\r\n]*;
BLOCK_COMMENT: '/*' .*? '*/';
OPEN_COMMENT: '/*';
NEWLINE: '\n';
SPACE: [ \t\r]+ -> skip;
BAD: .;
